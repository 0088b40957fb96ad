import type { Handle } from "../native.ts";
import type { TensorArray } from "./dtype.ts";

/** Told of what crosses between tensors and the host, which no operator shows. */
export interface HostObserver {
  /** A tensor was made of an array. */
  onArray(tensor: Handle, array: TensorArray): void;
  /** The elements of a tensor were read. */
  onRead(tensor: Handle): void;
}

let observer: HostObserver | null = null;

/** Replaces the observer, and returns the one before. @internal */
export function observeHost(next: HostObserver | null): HostObserver | null {
  const before = observer;
  observer = next;
  return before;
}

/** The observer of this thread, if there is one. @internal */
export function hostObserver(): HostObserver | null {
  return observer;
}
