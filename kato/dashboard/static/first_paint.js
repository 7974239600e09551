// Runs before the page is drawn for the first time, so that a chosen theme does not flash.
{
  const chosen = localStorage.getItem("kato.theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
}
