/**
 * The ways in for files: the button, the clipboard, a drag from anywhere. What shows and uploads them is loaded with
 * the first file, or when the draft remembers some.
 */
export function enableAttachments(composer) {
  const row = composer.querySelector("chat-attachments");
  const picker = composer.querySelector("#attach-files");
  const overlay = document.getElementById("drop");
  const load = () => import("./attachments.js");
  let isOurs = false;

  const take = async (files) => {
    if (!files.length || composer.closed) return;
    try {
      await load();
      row.add(files);
    } catch {
      composer.say("The files could not be attached. Try again, or reload the page.", { problem: true });
    }
  };
  const on = (name, act) => document.addEventListener(name, act);
  const isDrag = ({ dataTransfer }) => !isOurs && !composer.closed && dataTransfer?.types.includes("Files");

  composer.querySelector("#attach").addEventListener("click", () => picker.click());
  const picked = () => {
    take([...picker.files]);
    picker.value = "";
  };
  picker.addEventListener("change", picked);
  // Somebody may have been quicker than the scripts.
  picked();
  on("paste", (event) => {
    const { files, types } = event.clipboardData;
    const text = event.clipboardData.getData("text/plain");
    // Office programs add a picture of the text, file managers add the name of the file.
    if (!files.length || (types.includes("text/html") && text)) return;
    event.preventDefault();
    take([...files]);
  });
  on("dragstart", () => (isOurs = true));
  on("dragend", () => (isOurs = false));
  for (const name of ["dragenter", "dragover"]) {
    on(name, (event) => {
      if (!isDrag(event)) return;
      event.preventDefault();
      overlay.hidden = false;
    });
  }
  on("dragleave", ({ relatedTarget }) => (overlay.hidden ||= !relatedTarget));
  on("drop", (event) => {
    overlay.hidden = true;
    if (!isDrag(event)) return;
    event.preventDefault();
    const dropped = [...event.dataTransfer.items].filter((item) => item.kind === "file");
    const files = dropped.filter((item) => !item.webkitGetAsEntry?.()?.isDirectory);
    take(files.map((item) => item.getAsFile()));
    if (files.length < dropped.length) composer.say("A folder cannot be attached, the files in it can.", { problem: true });
    composer.focus();
  });
  composer.addEventListener("returned", () => (row.isReady ? row.restore() : load().catch(() => {})));
  if (composer.draft.attachments.length) load().catch(() => {});
}
