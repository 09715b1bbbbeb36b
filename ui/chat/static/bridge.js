// Runs once for each of the page's HTML parts: hands clicks and choices to the server.
// Names of the events, as the server listens for them:
const events = [
  "ask_example", "override_domain", "ask_again", "open_conversation", "new_conversation", "mark", "unmark",
];

function pass(source, value) {
  if (events.includes(source.dataset.event)) trigger(source.dataset.event, { value: value ?? "" });
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-event]");
  if (button) pass(button, button.dataset.value);
});

element.addEventListener("change", (event) => {
  const select = event.target.closest("select[data-event]");
  if (select && select.value) pass(select, select.value);
});
