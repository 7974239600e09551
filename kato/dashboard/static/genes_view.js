/**
 * Genes, to read, and where that is allowed to change in place.
 *
 * @module genes_view
 */

import { announce, byId, make, mark, say, show } from "./elements.js";
import { GENES, geneText } from "./genes.js";
import { readGene } from "./typed.js";

const SAVED = 1_500;

export class GenesView {
  #change;
  #fields = new Map();
  #genes = {};

  /** @param {(gene: string, value: unknown) => Promise<unknown>} change */
  constructor(change) {
    this.#change = change;
    this.form = byId("genes");
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("change", ({ target }) => this.#changed(target));
    this.form.addEventListener("keydown", (event) => this.#pressed(event));
    for (const gene of GENES) this.#add(gene);
  }

  #add(gene) {
    const id = `gene-${gene.name}`;
    const control = createControl(gene, id);
    const value = make("p", { class: "value mono" });
    const fault = make("p", { class: "fault", id: `${id}-error`, role: "alert", hidden: true });
    const label = make("label", { for: id }, gene.name);
    const hint = make("p", { class: "hint", id: `${id}-hint` }, gene.says);
    const boxed = gene.switch
      ? make("div", { class: "check" }, control, make("span", { "aria-hidden": "true" }))
      : control;
    const box = make(
      "div",
      { class: "gene", "data-gene": gene.name },
      label,
      boxed,
      value,
      fault,
      hint,
    );
    this.form.append(box);
    this.#fields.set(gene.name, { gene, control, boxed, value, fault, box });
  }

  /**
   * @param {import("./picture.js").Picture} picture
   * @param {boolean} readOnly
   */
  draw({ genes }, readOnly) {
    this.#genes = genes ?? {};
    for (const field of this.#fields.values()) this.#drawField(field, readOnly);
  }

  /** A field that is being edited, or has a fault, is left alone. */
  #drawField({ gene, control, boxed, value, fault, box }, readOnly) {
    show(boxed, !readOnly);
    show(value, readOnly);
    const text = geneText(this.#genes[gene.name]);
    say(value, text === "" ? "none" : text);
    const edited = document.activeElement === control && !gene.switch;
    if (edited || !fault.hidden || box.hasAttribute("data-saving")) return;
    if (gene.switch) {
      control.checked = text === "true";
      say(control.nextElementSibling, text === "true" ? "on" : "off");
    } else if (control.value !== text) control.value = text;
  }

  #pressed(event) {
    const field = this.#fields.get(event.target.name);
    if (!field || event.key !== "Escape") return;
    event.target.value = geneText(this.#genes[field.gene.name]);
    this.#fault(field, "");
  }

  async #changed(control) {
    const field = this.#fields.get(control.name);
    const value = field.gene.switch
      ? control.checked
      : field.gene.choices
        ? control.value
        : readGene(control.value);
    mark(field.box, "data-saving", "");
    try {
      await this.#change(field.gene.name, value);
      this.#fault(field, "");
      this.#saved(field, value);
    } catch (error) {
      this.#fault(field, error.message);
    } finally {
      mark(field.box, "data-saving", null);
    }
  }

  #saved({ gene, box }, value) {
    announce(`${gene.name} is now ${geneText(value) || "none"}`);
    mark(box, "data-saved", "");
    setTimeout(() => mark(box, "data-saved", null), SAVED);
  }

  #fault({ control, fault }, text) {
    say(fault, text);
    show(fault, text);
    mark(control, "aria-invalid", text ? "true" : null);
  }
}

function createControl({ name, choices, switch: isSwitch }, id) {
  const shared = { id, name, "aria-describedby": `${id}-error ${id}-hint` };
  if (isSwitch) return make("input", { ...shared, type: "checkbox" });
  if (!choices)
    return make("input", { ...shared, class: "mono", inputmode: "decimal", spellcheck: "false" });
  return make("select", shared, ...choices.map((each) => make("option", { value: each }, each)));
}
