/**
 * Events whose details have types.
 *
 * @module
 */

/**
 * An `EventTarget` that says which events it has, so that the `detail` of each has a type where it is listened for.
 *
 * @typeParam Events what each event is, by its name
 */
export class TypedEventTarget<Events> extends EventTarget {
  /**
   * Listens for an event of this object.
   *
   * @param type the name of the event
   * @param listener what is called with it
   * @param options `once`, `signal` and what else an `EventTarget` knows
   */
  override addEventListener<Type extends keyof Events & string>(
    type: Type,
    listener: ((event: Events[Type]) => void) | { handleEvent(event: Events[Type]): void } | null,
    options?: Parameters<EventTarget["addEventListener"]>[2],
  ): void;
  /** Listens for an event of any other name. */
  override addEventListener(
    type: string,
    listener: Parameters<EventTarget["addEventListener"]>[1],
    options?: Parameters<EventTarget["addEventListener"]>[2],
  ): void;
  override addEventListener(
    type: string,
    listener: unknown,
    options?: Parameters<EventTarget["addEventListener"]>[2],
  ): void {
    super.addEventListener(type, listener as Parameters<EventTarget["addEventListener"]>[1], options);
  }

  /**
   * Listens no longer.
   *
   * @param type the name of the event
   * @param listener what was called with it
   * @param options whether it was a listener that captures
   */
  override removeEventListener<Type extends keyof Events & string>(
    type: Type,
    listener: ((event: Events[Type]) => void) | { handleEvent(event: Events[Type]): void } | null,
    options?: Parameters<EventTarget["removeEventListener"]>[2],
  ): void;
  /** Listens no longer for an event of any other name. */
  override removeEventListener(
    type: string,
    listener: Parameters<EventTarget["removeEventListener"]>[1],
    options?: Parameters<EventTarget["removeEventListener"]>[2],
  ): void;
  override removeEventListener(
    type: string,
    listener: unknown,
    options?: Parameters<EventTarget["removeEventListener"]>[2],
  ): void {
    super.removeEventListener(type, listener as Parameters<EventTarget["removeEventListener"]>[1], options);
  }
}
