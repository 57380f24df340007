"""Model and parameters of a conversation. Shown in the settings panel; `actions.choices` checks what is sent."""

from __future__ import annotations

from django import forms

from ..actions.choices import EFFORTS
from ..models import LanguageModel
from ..upstream.model_table import LEAST_BUDGET


class SettingsForm(forms.Form):
    # Few people need these: the panel has them folded away under "More".
    more = ("stop_sequences", "temperature", "top_p", "top_k")

    model = forms.ChoiceField(label="Model", required=False)
    system = forms.CharField(
        label="System prompt", required=False, widget=forms.Textarea(attrs={"rows": 5}),
        help_text="What Claude should know and follow in this conversation.",
    )  # fmt: skip
    max_tokens = forms.IntegerField(label="Longest answer, in tokens", required=False, min_value=1)
    thinking = forms.ChoiceField(
        label="Thinking", required=False, choices=[("", "Model default"), ("on", "On"), ("off", "Off")]
    )
    budget_tokens = forms.IntegerField(
        label="Thinking budget, in tokens", required=False, min_value=LEAST_BUDGET
    )
    effort = forms.ChoiceField(
        label="Effort", required=False,
        choices=[("", "Model default"), *((name, name) for name in EFFORTS if name)],
    )  # fmt: skip
    stop_sequences = forms.CharField(
        label="Stop sequences, one per line", required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    temperature = forms.FloatField(label="Temperature", required=False, min_value=0, max_value=1)
    top_p = forms.FloatField(label="Top p", required=False, min_value=0, max_value=1)
    top_k = forms.IntegerField(label="Top k", required=False, min_value=0)

    def __init__(self, parameters: dict[str, object], model: str, models: list[LanguageModel]) -> None:
        stops = parameters.get("stop_sequences")
        initial = {
            **parameters,
            "model": model,
            "stop_sequences": "\n".join(stops) if isinstance(stops, list) else "",
        }
        super().__init__(initial=initial)
        field = self.fields["model"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(str(row.pk), row.name) for row in models]
        for number in ("temperature", "top_p"):
            self.fields[number].widget.attrs["step"] = "0.05"
