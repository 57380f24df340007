"""What becomes of a picture: upright, without metadata, pixel for pixel where nothing had to change."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageOps

from conversations.attachments import pictures
from conversations.attachments.decoding import LARGEST_PROFILE, Picture
from conversations.attachments.encoding import as_it_came
from conversations.attachments.kinds import GIF, JPEG, PNG, WEBP
from conversations.attachments.limits import Limits, base64_size
from conversations.attachments.refusal import FileRefused

from . import profiles
from .given import encoded, picture
from .hostile import animated_webp, gif_of_frames, with_exif

SMALL = Limits()._replace(sent_side=100, thumbnail_side=40)


def freeze(
    data: bytes, media_type: str, folder: Path, limits: Limits = SMALL
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The description, and the opened files by role."""
    result = pictures.freeze(io.BytesIO(data), media_type, limits, folder)
    return result, {role: opened(folder / file["name"], file) for role, file in result["files"].items()}


def opened(path: Path, file: dict[str, Any]) -> Image.Image:
    image = Image.open(io.BytesIO(path.read_bytes()))
    image.load()
    assert Image.MIME[image.format or ""] == file["media_type"]
    assert image.size == (file["width"], file["height"])
    return image


def same(one: Image.Image, other: Image.Image) -> bool:
    """Alike in every visible pixel, and in what is transparent."""
    ground = [
        Image.alpha_composite(Image.new("RGBA", x.size, "lime"), x.convert("RGBA")) for x in (one, other)
    ]
    return one.size == other.size and ground[0].tobytes() == ground[1].tobytes()


def close(one: Image.Image, other: Image.Image, most: int = 12) -> bool:
    difference = ImageChops.difference(one.convert("RGB"), other.convert("RGB"))
    return one.size == other.size and max(high for _, high in difference.getextrema()) <= most  # type: ignore[misc]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_png_within_limits_is_sent_pixel_for_pixel(mode: str, tmp_path: Path) -> None:
    image = picture(80, 60, "RGBA" if mode == "LA" else "RGB").convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = image.convert("I").point(lambda value: value * 257).convert("I;16")
    result, files = freeze(encoded(image), PNG, tmp_path)
    assert result["media_type"] == PNG
    assert result["files"]["sent"] == result["files"]["original"]
    assert files["sent"].mode == image.mode
    assert files["sent"].tobytes() == image.tobytes()


def test_transparency_and_palette_stay(tmp_path: Path) -> None:
    image = picture(80, 60).quantize(16)
    image.info["transparency"] = 3
    for media_type, format in ((PNG, "PNG"), (GIF, "GIF")):
        data = encoded(image, format, transparency=3)
        _, files = freeze(data, media_type, tmp_path)
        assert same(files["sent"], Image.open(io.BytesIO(data)))
        assert files["sent"].has_transparency_data


def test_a_lossless_webp_stays_lossless(tmp_path: Path) -> None:
    image = picture(80, 60, "RGBA")
    image.putalpha(Image.linear_gradient("L").resize((80, 60)))
    _, files = freeze(encoded(image, "WEBP", lossless=True, exact=True), WEBP, tmp_path)
    assert files["sent"].tobytes() == image.tobytes()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("format", "media_type"), [("JPEG", JPEG), ("PNG", PNG), ("WEBP", WEBP)])
def test_a_turned_picture_comes_out_upright_and_says_nothing_of_where_it_was_taken(
    format: str, media_type: str, orientation: int, tmp_path: Path
) -> None:
    data = with_exif(format, orientation)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    result, files = freeze(data, media_type, tmp_path)
    assert (result["width"], result["height"]) == upright.size == ((60, 40) if orientation < 5 else (40, 60))
    assert close(files["original"], upright)
    for role, image in files.items():
        assert not image.getexif() and "exif" not in image.info, role
        assert not {"comment", "icc_profile", "xmp", "Comment"} & set(image.info)
        data = (tmp_path / result["files"][role]["name"]).read_bytes()
        assert b"script" not in data and b"Exif" not in data


def test_a_large_picture_is_shrunk_for_sending_and_kept_whole(tmp_path: Path) -> None:
    result, files = freeze(encoded(picture(400, 200), "JPEG"), JPEG, tmp_path)
    assert files["original"].size == (400, 200)
    assert files["sent"].size == (100, 50) and result["files"]["sent"]["media_type"] == JPEG
    assert files["thumbnail"].size == (40, 20) and result["files"]["thumbnail"]["media_type"] == WEBP
    assert result["tokens"] == 15 * 8


def test_a_picture_too_heavy_for_a_request_becomes_lighter(tmp_path: Path) -> None:
    noise = Image.effect_noise((90, 90), 100)
    limits = SMALL._replace(sent_base64=5000)
    data = encoded(noise)
    assert base64_size(len(data)) > 5000
    result, files = freeze(data, PNG, tmp_path, limits)
    assert result["files"]["sent"]["media_type"] == JPEG
    assert base64_size((tmp_path / "sent").stat().st_size) <= 5000
    assert files["original"].tobytes() == noise.tobytes()


def test_transparent_parts_turn_white_where_jpeg_has_to_do(tmp_path: Path) -> None:
    noise = Image.effect_noise((100, 100), 100)
    seen = Image.new("L", (100, 100), 255)
    seen.paste(0, (0, 0, 50, 100))
    _, files = freeze(
        encoded(Image.merge("RGBA", (noise, noise, noise, seen))),
        PNG,
        tmp_path,
        SMALL._replace(sent_base64=7000),
    )
    left = files["sent"].convert("L").crop((0, 0, 40, 100))
    assert files["sent"].format == "JPEG" and left.getextrema()[0] > 240  # type: ignore[operator]


def test_of_an_animation_the_first_frame_is_used(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("red", "blue", "lime")]
    gif = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    result, files = freeze(gif, GIF, tmp_path)
    assert getattr(files["original"], "n_frames", 1) == 1
    assert files["sent"].convert("RGB").getpixel((5, 5)) == (255, 0, 0)
    result, files = freeze(animated_webp(3), WEBP, tmp_path)
    assert getattr(files["original"], "n_frames", 1) == 1
    assert result["media_type"] == WEBP


@pytest.mark.parametrize("mode", ["CMYK", "L"])
def test_jpegs_of_other_colours_can_be_read_by_every_server(mode: str, tmp_path: Path) -> None:
    image = picture(80, 60, mode)
    _, files = freeze(encoded(image, "JPEG", quality=95), JPEG, tmp_path)
    assert files["sent"].mode == ("L" if mode == "L" else "RGB")
    assert close(files["sent"], image.convert("RGB"), 20)


@pytest.mark.parametrize(
    ("format", "media_type", "mode", "options"),
    [
        ("PNG", PNG, "RGB", {}),
        ("PNG", PNG, "RGBA", {}),
        ("JPEG", JPEG, "RGB", {"quality": 95}),
        ("WEBP", WEBP, "RGB", {"lossless": True, "exact": True}),
        ("WEBP", WEBP, "RGBA", {"lossless": True, "exact": True}),
    ],
)
def test_colours_are_those_that_the_profile_means(
    format: str, media_type: str, mode: str, options: dict[str, Any], tmp_path: Path
) -> None:
    image = picture(80, 60, mode)
    red, green, blue, *_ = image.split()
    alpha = Image.linear_gradient("L").resize((80, 60))
    if mode == "RGBA":
        image.putalpha(alpha)
    _, files = freeze(encoded(image, format, icc_profile=profiles.swapped(), **options), media_type, tmp_path)
    meant = Image.merge("RGB", (blue, green, red))
    assert close(files["original"], meant, 20 if format == "JPEG" else 2)
    assert files["original"].mode == mode and "icc_profile" not in files["original"].info
    if mode == "RGBA":
        assert files["original"].getchannel("A").tobytes() == alpha.tobytes()


def test_inks_are_those_that_the_profile_means(tmp_path: Path) -> None:
    data = encoded(picture(80, 60, "CMYK"), "JPEG", quality=95, icc_profile=profiles.of_a_press())
    _, files = freeze(data, JPEG, tmp_path)
    assert close(files["original"], Image.new("RGB", (80, 60), "white"), 3)
    assert files["original"].mode == "RGB" and "icc_profile" not in files["original"].info


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "I;16"])
@pytest.mark.parametrize(
    "profile",
    [b"garbage", profiles.swapped()[:-300], profiles.of_a_press(), profiles.srgb()],
    ids=["garbage", "a part", "another mode's", "sRGB"],
)
def test_a_profile_that_tells_nothing_changes_no_pixel(profile: bytes, mode: str, tmp_path: Path) -> None:
    image = picture(80, 60, "L").convert("I").convert("I;16") if mode == "I;16" else picture(80, 60, mode)
    _, files = freeze(encoded(image, icc_profile=profile), PNG, tmp_path)
    assert files["original"].mode == image.mode
    assert files["original"].tobytes() == image.tobytes()


@pytest.mark.parametrize("profile", [b"garbage", profiles.srgb()])
def test_inks_with_a_useless_profile_are_read_as_those_without(profile: bytes, tmp_path: Path) -> None:
    image = picture(80, 60, "CMYK")
    _, files = freeze(encoded(image, "JPEG", quality=95, icc_profile=profile), JPEG, tmp_path)
    assert close(files["original"], image.convert("RGB"), 20)


def test_a_colour_that_stands_for_nothing_still_does(tmp_path: Path) -> None:
    data = encoded(
        Image.new("RGB", (40, 30), "red"), transparency=(255, 0, 0), icc_profile=profiles.swapped()
    )
    _, files = freeze(data, PNG, tmp_path)
    assert files["original"].convert("RGBA").getextrema()[3] == (0, 0)


def test_a_profile_is_used_up_to_its_limit_and_not_beyond(tmp_path: Path) -> None:
    image = picture(80, 60)
    for more, swapped in ((0, True), (1, False)):
        profile = profiles.swapped().ljust(LARGEST_PROFILE + more, b"\0")
        _, files = freeze(encoded(image, "JPEG", quality=95, icc_profile=profile), JPEG, tmp_path)
        red, green, blue = image.split()
        assert close(files["original"], Image.merge("RGB", (blue, green, red)) if swapped else image, 20)


def test_a_jpeg_hardly_changes_by_being_written_again(tmp_path: Path) -> None:
    data = encoded(picture(90, 90), "JPEG", quality=70, progressive=True)
    _, files = freeze(data, JPEG, tmp_path)
    assert close(files["original"], Image.open(io.BytesIO(data)), 6)
    assert (tmp_path / "original").stat().st_size < len(data) * 1.1


def test_every_limit_holds_just_over_and_not_at_it(tmp_path: Path) -> None:
    limits = SMALL._replace(max_pixels=1200, max_side=60, max_frames=3)
    taken = [(encoded(picture(40, 30)), PNG), (encoded(picture(60, 20)), PNG), (gif_of_frames(3), GIF)]
    refused = [(encoded(picture(41, 30)), PNG), (encoded(picture(61, 2)), PNG), (gif_of_frames(4), GIF)]
    for data, media_type in taken:
        freeze(data, media_type, tmp_path, limits)
    for data, media_type in refused:
        with pytest.raises(FileRefused) as caught:
            freeze(data, media_type, tmp_path, limits)
        assert caught.value.kind == "too_large"


def test_a_picture_just_over_the_limit_is_not_said_to_be_as_large_as_it(tmp_path: Path) -> None:
    limits = SMALL._replace(max_pixels=100_000, max_side=500)
    with pytest.raises(FileRefused, match="has more than 0.1 megapixels; the limit is 0.1"):
        freeze(encoded(picture(401, 250)), PNG, tmp_path, limits)
    with pytest.raises(FileRefused, match="has 0.2 megapixels; the limit is 0.1"):
        freeze(encoded(picture(400, 400)), PNG, tmp_path, limits)


def test_a_variant_is_made_from_the_stored_picture_and_only_where_it_does_not_fit(tmp_path: Path) -> None:
    freeze(encoded(picture(400, 200)), PNG, tmp_path)
    stored = (tmp_path / "original").read_bytes()
    larger = SMALL._replace(sent_side=200)
    made = pictures.freeze_variant(io.BytesIO(stored), PNG, larger, tmp_path)
    assert opened(tmp_path / "sent", made["files"]["sent"]).size == (200, 100)
    fits = SMALL._replace(sent_side=400)
    assert pictures.freeze_variant(io.BytesIO(stored), PNG, fits, tmp_path) == {"files": {}}
    again = pictures.freeze_variant(io.BytesIO(stored), PNG, larger, tmp_path)
    assert again == made


def test_where_an_encoder_gives_up_another_format_keeps_all_pixels() -> None:
    image = picture(80, 60, "RGBA")
    found = Picture(image, WEBP, True, {"method": 99})
    data, media_type = as_it_came(found)
    assert media_type == PNG and Image.open(io.BytesIO(data)).tobytes() == image.tobytes()
    data, media_type = as_it_came(Picture(picture(), WEBP, False, {"method": 99}))
    assert media_type == JPEG
