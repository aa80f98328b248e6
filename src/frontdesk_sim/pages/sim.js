// The simulator's pages: forms become calls of the control API, and what changes is fetched again while it is looked at.
"use strict";

const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

function notice(words) {
  const place = one("#notice");
  place.textContent = words;
  clearTimeout(notice.timer);
  notice.timer = setTimeout(() => { place.textContent = ""; }, 4000);
}

async function control(method, path, body) {
  const answer = await fetch(`/control${path}`, {
    method,
    headers: { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await answer.text();
  const said = text ? JSON.parse(text) : null;
  if (!answer.ok) throw new Error(said?.detail ?? `The simulator answered ${answer.status}.`);
  return said;
}

// A file as the control API wants it: its bytes in base64.
function packed(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onerror = () => reject(reader.error);
    reader.onload = () => resolve({
      name: file.name,
      content_type: file.type || "application/octet-stream",
      data: reader.result.slice(reader.result.indexOf(",") + 1),
    });
    reader.readAsDataURL(file);
  });
}

// Fetch a fragment again and again while the page is visible; keep what is open open, and the end in sight.
function follow(place, address) {
  let last = place.innerHTML;
  const refresh = async () => {
    if (document.hidden) return;
    const answer = await fetch(address(), { cache: "no-store" }).catch(() => null);
    if (!answer?.ok) return;
    const fresh = await answer.text();
    if (fresh === last) return;
    last = fresh;
    const before = new Map(all("details[data-key]", place).map((part) => [part.dataset.key, part.open]));
    const atEnd = place.scrollHeight - place.scrollTop - place.clientHeight < 80;
    place.innerHTML = fresh;
    for (const part of all("details[data-key]", place)) {
      if (before.has(part.dataset.key)) part.open = before.get(part.dataset.key);
    }
    if (atEnd) place.scrollTop = place.scrollHeight;
  };
  place.scrollTop = place.scrollHeight;
  setInterval(refresh, 1200);
  return refresh;
}

function onSubmit(form, work) {
  form?.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = one("button.main", form);
    if (button) button.disabled = true;
    try {
      await work(form.elements);
    } catch (error) {
      notice(error.message);
    } finally {
      if (button) button.disabled = false;
    }
  });
}

function playPage(stage) {
  const who = stage.dataset.who;
  const phone = follow(one("#phone"), () => `/fragments/phone/${who}`);
  const mails = follow(one("#mails"), () => `/fragments/mails/${who}`);
  const textForm = one("#text-form");
  let pictures = [];

  const showPictures = () => { one("#text-files").textContent = pictures.map((picture) => `Picture: ${picture.name}`).join(", "); };
  textForm.elements.picture.addEventListener("change", async (event) => {
    pictures = await Promise.all([...event.target.files].map(packed));
    showPictures();
  });
  onSubmit(textForm, async (fields) => {
    if (!fields.body.value.trim() && !pictures.length) return;
    await control("POST", `/customers/${who}/texts`, { body: fields.body.value, to: fields.to.value, pictures });
    fields.body.value = "";
    fields.picture.value = "";
    pictures = [];
    showPictures();
    await phone();
    one("#phone").scrollTop = one("#phone").scrollHeight;
  });
  textForm.elements.body.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    textForm.requestSubmit();
  });
  for (const chip of all("[data-say]")) {
    chip.addEventListener("click", () => {
      textForm.elements.body.value = chip.dataset.say;
      textForm.elements.body.focus();
    });
  }
  one("[data-sample]").addEventListener("click", async () => {
    const sample = await (await fetch("/assets/parcel.png")).blob();
    pictures = [await packed(new File([sample], "parcel.png", { type: "image/png" }))];
    showPictures();
  });

  onSubmit(one("#mail-form"), async (fields) => {
    const reply = fields.reply.checked;
    const attachments = await Promise.all([...fields.file.files].map(packed));
    await control("POST", `/customers/${who}/mails`, {
      to: reply ? "" : fields.to.value,
      subject: fields.subject.value,
      text: fields.text.value,
      reply,
      attachments,
    });
    one("#mail-form").reset();
    notice("Mail sent.");
    await mails();
  });

  const scene = one("#scene");
  scene.addEventListener("change", async () => {
    try {
      await control("POST", "/scene", { on: scene.elements.on.checked, every: Number(scene.elements.every.value) || 45 });
      notice(scene.elements.on.checked ? "The demo customers write by themselves now." : "The demo customers are silent now.");
    } catch (error) {
      notice(error.message);
    }
  });
  scene.addEventListener("submit", (event) => event.preventDefault());
}

function faultsPage(form) {
  const kind = one("#truth-kind");
  const party = one("#truth-party");
  const truth = follow(one("#truth"), () => `/fragments/truth?${new URLSearchParams({ kind: kind.value, party: party.value.trim() })}`);
  kind.addEventListener("change", truth);
  party.addEventListener("input", truth);

  const show = (faults) => {
    for (const field of all("input[name]", form)) {
      const value = faults[field.name];
      field.value = field.name === "only" ? value.join(", ") : "percent" in field.dataset ? Math.round(value * 100) : value;
      if ("percent" in field.dataset) tell(field);
    }
  };
  const tell = (field) => {
    one(`output[for="${field.id}"]`).textContent = `${field.value} %`;
    field.setAttribute("aria-valuetext", `${field.value} percent`);
  };
  const change = async (work) => {
    try {
      show(await work());
    } catch (error) {
      notice(error.message);
      show(await control("GET", "/faults"));
    }
  };
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", (event) => { if ("percent" in event.target.dataset) tell(event.target); });
  form.addEventListener("change", (event) => {
    const field = event.target;
    const value = field.name === "only" ? field.value.split(/[\s,]+/).filter(Boolean)
      : "percent" in field.dataset ? field.value / 100 : Number(field.value);
    change(() => control("PATCH", "/faults", { [field.name]: value }));
  });
  for (const button of all("[data-preset]", form)) {
    button.addEventListener("click", () => change(() => control("PUT", "/faults", JSON.parse(button.dataset.preset))));
  }
  for (const button of all("[data-next]", form)) {
    button.addEventListener("click", async () => {
      await control("POST", "/faults/next", { fault: button.dataset.next, times: 1 });
      notice("It strikes on the next occasion.");
    });
  }
}

if (one(".stage")) playPage(one(".stage"));
if (one("#faults")) faultsPage(one("#faults"));
onSubmit(one("#settings"), async (fields) => {
  await control("PUT", "/settings", { frontdesk_url: fields.frontdesk_url.value, widget_key: fields.widget_key.value });
  location.reload();
});
