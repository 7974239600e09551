/**
 * The schema as introspection tells it, by names.
 *
 * @module schema
 */

const NAMED = "kind name";

/** A type, with as many wrappings as a list of lists has. */
const TYPE = Array(5)
  .fill(NAMED)
  .reduce((inner, each) => `${each} ofType { ${inner} }`, NAMED);

const GIVEN = `name description type { ${TYPE} } defaultValue`;

/** What is asked of a server for its schema. */
export const INTROSPECTION = `{
  __schema {
    queryType { name }
    mutationType { name }
    subscriptionType { name }
    types {
      kind
      name
      description
      fields { name description args { ${GIVEN} } type { ${TYPE} } }
      inputFields { ${GIVEN} }
      enumValues { name description }
      possibleTypes { name }
    }
  }
}`;

/** A type as GraphQL writes it. */
export function written(type) {
  if (type.kind === "NON_NULL") return `${written(type.ofType)}!`;
  return type.kind === "LIST" ? `[${written(type.ofType)}]` : type.name;
}

/** The name of what a type consists of. */
export function named(type) {
  return type.ofType ? named(type.ofType) : type.name;
}

export class Schema {
  /** @param {{ __schema: any }} told */
  constructor({ __schema }) {
    const roots = [__schema.queryType, __schema.mutationType, __schema.subscriptionType];
    const first = roots.map(({ name }) => name);
    const own = __schema.types.filter(({ name }) => !name.startsWith("__"));
    const place = ({ name }) => (first.includes(name) ? first.indexOf(name) : first.length);
    this.types = own.sort((a, b) => place(a) - place(b) || a.name.localeCompare(b.name));
  }

  /** What a type consists of: fields, fields to be given, or words. */
  static members({ fields, inputFields, enumValues }) {
    return fields ?? inputFields ?? enumValues ?? [];
  }
}
