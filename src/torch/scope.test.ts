import { describe, expect, test } from "vitest";
import { chained, countMemory, liveTensors, Scope, scoped, type Tensor, tensor, zeros } from "./index.ts";
import { collect } from "./memory.test.support.ts";
import { expectNoLeaks } from "./testing.ts";

const freed = expect.objectContaining({ code: "TORCH_FREED" });
const outOfOrder = expect.objectContaining({ code: "TORCH_SCOPE" });

describe("a scope", () => {
  test("frees what was made inside, and nothing else", () => {
    const before = tensor([1]);
    const actual: Tensor[] = [];
    expectNoLeaks(() => {
      using _ = new Scope();
      actual.push(tensor([2]), before.add(1), ...before.splitWithSizes([1, 0]));
    });
    for (const gone of actual) expect(() => gone.shape).toThrow(freed);
    expect(before.item()).toBe(1);
  });

  test("says what was freed, and how to keep it", () => {
    const gone = tensor([1]);
    let inner = gone;
    {
      using _ = new Scope();
      inner = tensor([2]);
    }
    expect(() => gone.add(inner)).toThrow(
      expect.objectContaining({
        code: "TORCH_FREED",
        where: "aten::add.Tensor",
        hint: expect.stringContaining("keep"),
      }),
    );
    expect(() => inner.item()).toThrow(/was freed with its scope/);
    expect(() => inner.view()).toThrow(freed);
    expect(() => inner.backward()).toThrow(freed);
  });

  test("keeps what it is told to, through several levels", () => {
    using outer = new Scope();
    let kept: Tensor | null = null;
    let passed: Tensor | null = null;
    {
      using middle = new Scope();
      {
        using inner = new Scope();
        kept = inner.keep(tensor([1]));
        passed = outer.keep(tensor([2]));
        expect(middle.keep(tensor([3])).item()).toBe(3);
      }
      expect(kept.item()).toBe(1);
    }
    const [lost, found] = [kept, passed];
    expect(() => lost.item()).toThrow(freed);
    expect(found.item()).toBe(2);
  });

  test("leaves tensors of the scope around it there, when told to keep them", () => {
    let owned: Tensor | null = null;
    expectNoLeaks(() => {
      using _ = new Scope();
      owned = tensor([1]);
      using inner = new Scope();
      inner.keep(owned);
      inner.keep(owned);
    });
    expect(() => (owned as unknown as Tensor).item()).toThrow(freed);
  });

  test("keeps tensors of no scope as they are", () => {
    const free = tensor([1]);
    {
      using scope = new Scope();
      expect(scope.keep(free)).toBe(free);
    }
    expect(free.item()).toBe(1);
  });

  test("cannot keep what is freed", () => {
    let gone = tensor([0]);
    {
      using _ = new Scope();
      gone = tensor([1]);
    }
    using scope = new Scope();
    expect(() => scope.keep(gone)).toThrow(freed);
  });

  test("ends once, however often it is told to", () => {
    const scope = new Scope();
    const outer = new Scope();
    outer[Symbol.dispose]();
    outer[Symbol.dispose]();
    const kept = scope.keep(tensor([1]));
    scope[Symbol.dispose]();
    scope[Symbol.dispose]();
    expect(kept.item()).toBe(1);
  });

  test("refuses to end before those inside it, which may then end in order", () => {
    const before = liveTensors();
    const outer = new Scope();
    const inner = new Scope();
    const x = tensor([1]);
    expect(() => outer[Symbol.dispose]()).toThrow(outOfOrder);
    expect(x.item()).toBe(1);
    inner[Symbol.dispose]();
    outer[Symbol.dispose]();
    expect(() => x.item()).toThrow(freed);
    expect(liveTensors()).toBe(before);
  });

  test("frees when the body throws, in JavaScript or in libtorch", () => {
    expectNoLeaks(() => {
      expect(() => scoped(() => tensor([1, 2]).mm(tensor([3])))).toThrow(
        expect.objectContaining({ code: "TORCH_OPERATOR" }),
      );
      const body = (): Tensor => {
        using _ = new Scope();
        tensor([1]);
        throw new RangeError("of the body");
      };
      expect(() => scoped(body)).toThrow(RangeError);
    });
  });

  test("frees tensors that a graph still uses from its own table only", () => {
    const leaf = tensor([3]);
    leaf.requiresGrad = true;
    const loss = scoped(() => leaf.mul(leaf).mul(2));
    loss.backward();
    expect(leaf.requiresGrad).toBe(true);
  });

  test("holds a flat number of tensors over 10,000 loops", () => {
    using _ = new Scope();
    const x = tensor([1, 2, 3]);
    const counts = new Set<number>();
    for (let i = 0; i < 10_000; i++) {
      {
        using _ = new Scope();
        x.add(1).mul(2).sum().item();
      }
      counts.add(liveTensors());
    }
    expect(counts.size).toBe(1);
  });

  test("recognises a stale handle when its slot is in use again", () => {
    let stale = tensor([0]);
    for (let i = 0; i < 100; i++) {
      using _ = new Scope();
      if (i === 0) stale = tensor([1]);
      else expect(() => stale.item()).toThrow(freed);
      tensor([i]);
    }
  });
});

describe("scoped", () => {
  test("keeps the tensor that the body returns, for the scope around it", () => {
    expectNoLeaks(() => {
      using _ = new Scope();
      const outer = liveTensors();
      const sum = scoped(() => tensor([1, 2]).add(1).sum());
      expect(sum.item()).toBe(5);
      expect(liveTensors()).toBe(outer + 1);
    });
  });
});

describe("outside of scopes", () => {
  test("the garbage collector frees what is not reachable", async () => {
    await collect();
    const before = liveTensors();
    for (let i = 0; i < 100; i++) zeros([10]);
    expect(liveTensors()).toBe(before + 100);
    await collect();
    expect(liveTensors()).toBe(before);
  });

  test("it frees what the outermost scope kept, once that is not reachable", async () => {
    await collect();
    const before = liveTensors();
    for (let i = 0; i < 10; i++) scoped(() => scoped(() => zeros([10])));
    const held = scoped(() => tensor([7]));
    await collect();
    expect(liveTensors()).toBe(before + 1);
    expect(held.item()).toBe(7);
  });

  test("it leaves a new tensor in the slot of one that a scope freed alone", async () => {
    {
      using scope = new Scope();
      scope.keep(tensor([1]));
    }
    await collect();
    const next = Array.from({ length: 50 }, (_, i) => tensor([i]));
    await collect();
    expect(next.map((x) => x.item())).toEqual(next.map((_, i) => i));
  });
});

describe("chained", () => {
  test("runs the steps in order and leaves the last result only", () => {
    using _ = new Scope();
    const first = tensor([1]);
    const before = liveTensors();
    const results: Tensor[] = [];
    const steps = [2, 3, 4].map((factor) => (x: Tensor): Tensor => {
      results.push(x.add(1).mul(factor));
      return results.at(-1) as Tensor;
    });
    expect(chained(first, steps).item()).toBe(((1 + 1) * 2 + 1) * 3 * 4 + 4);
    expect(liveTensors()).toBe(before + 1);
    expect(() => results[0]?.item()).toThrow(freed);
    expect(first.item()).toBe(1);
    expect(chained(first, [])).toBe(first);
  });

  test("holds no more than two steps at once", () => {
    const step = (x: Tensor): Tensor => x.add(1);
    const { peak, marks } = countMemory((mark) => {
      using _ = new Scope();
      chained(
        zeros([1024]),
        Array.from({ length: 10 }, () => step),
      );
      mark();
    });
    // The third is the input; a scalar takes some bytes.
    expect(peak).toBeLessThan(3 * 4096 + 64);
    expect(marks).toEqual([2 * 4096]);
    expect(countMemory(() => {}).peak).toBe(0);
    expect(() => countMemory(() => countMemory(() => {}))).toThrow(expect.objectContaining({ code: "TORCH_ARGUMENT" }));
  });
});
