/** Defaults stand in the schema, each beside its key; here they are filled in. */
import Type, { type Static, type TObject, type TOptional, type TSchema } from "typebox";

/** The schema of a key that may be left out, with what holds then. */
export type Defaulted<S extends TSchema> = TOptional<S> & { readonly default: Static<S> };

/** A key that may be left out: `value` holds then. */
export function withDefault<S extends TSchema>(schema: S, value: Static<S>): Defaulted<S> {
  return Type.With(Type.Optional(schema), { default: value }) as unknown as Defaulted<S>;
}

/**
 * What is written by a schema once it is filled in: every key is there. One that was left out has its default, or null if
 * it has none; an object that was left out is filled in like an empty one.
 */
export type Filled<S extends TObject> = FilledKey<S>;
type FilledKey<S extends TSchema> = S extends { readonly "~kind": "Object"; readonly properties: infer P }
  ? { readonly [K in keyof P]: FilledKey<P[K] & TSchema> }
  : S extends { readonly default: unknown }
    ? Immutable<Static<S>>
    : Immutable<Static<S>> | (S extends { readonly "~optional": true } ? null : never);
type Immutable<T> = T extends object ? { readonly [K in keyof T]: Immutable<T[K]> } : T;

/** Fills in what `written` leaves out. Keys come in the order of the schema, those that it does not have are left out. */
export function fillIn<S extends TObject>(schema: S, written: Partial<Static<S>>): Filled<S> {
  const given = written as Readonly<Record<string, unknown>>;
  const entries = Object.entries<TSchema & { readonly default?: unknown }>(schema.properties).map(([key, of]) => [
    key,
    Type.IsObject(of) ? fillIn(of, given[key] ?? {}) : (given[key] ?? of.default ?? null),
  ]);
  return Object.fromEntries(entries) as Filled<S>;
}

type OptionalKey<P> = { [K in keyof P]: P[K] extends { readonly "~optional": true } ? K : never }[keyof P];

/** What holds for the keys of a schema that may be left out. */
export function defaultsOf<S extends TObject>(schema: S): Pick<Filled<S>, OptionalKey<S["properties"]>> {
  const optional = Object.entries(schema.properties).filter(([, of]) => Type.IsOptional(of));
  return fillIn(Type.Object(Object.fromEntries(optional)), {}) as Pick<Filled<S>, OptionalKey<S["properties"]>>;
}
