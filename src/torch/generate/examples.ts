/**
 * The examples of what is generated, by name: the class, and every operator that is a function of its own. A test runs them as
 * it runs those of all doc comments.
 */
export const EXAMPLES: Readonly<Record<string, string>> = {
  Tensor: `import { tensor } from "lapidary/torch";

const x = tensor([1, 2, 3, 4], [2, 2]);
x.requiresGrad = true;
const loss = x.square().sum();
console.log(x.shape, x.dtype, loss.item()); // [ 2, 2 ] float32 30
console.log(x.matmul(x.t())); // Tensor float32 [2, 2] = [5, 11, 11, 25]`,
  arange: `import { arange } from "lapidary/torch";

console.log(arange(0, 1, 0.25)); // Tensor float32 [4] = [0, 0.25, 0.5, 0.75]`,
  cat: `import { cat, tensor } from "lapidary/torch";

console.log(cat([tensor([1, 2]), tensor([3])])); // Tensor float32 [3] = [1, 2, 3]`,
  embedding: `import { embedding, fromArray, tensor } from "lapidary/torch";

const weight = tensor([0, 0, 1, 2, 3, 4], [3, 2]); // 3 rows of width 2
const codes = fromArray(BigInt64Array.of(2n, 1n, 2n), [3]);
console.log(embedding(weight, codes)); // Tensor float32 [3, 2] = [3, 4, 1, 2, 3, 4]`,
  fromFile: `import { writeFileSync } from "node:fs";
import { fromFile } from "lapidary/torch";

writeFileSync("row.bin", new Uint8Array(Float32Array.of(1, 2, 3).buffer));
console.log(fromFile("row.bin", false, 3, { dtype: "float32" })); // Tensor float32 [3] = [1, 2, 3]`,
  full: `import { full } from "lapidary/torch";

console.log(full([2, 2], 0.5)); // Tensor float32 [2, 2] = [0.5, 0.5, 0.5, 0.5]`,
  layerNorm: `import { layerNorm, tensor } from "lapidary/torch";

const y = layerNorm(tensor([1, 3, -5, 5], [2, 2]), [2], null, null, 0);
console.log(y); // Tensor float32 [2, 2] = [-1, 1, -1, 1]`,
  linear: `import { linear, tensor } from "lapidary/torch";

const weight = tensor([1, 0, 0, 1, 1, 1], [3, 2]); // [out, in]
console.log(linear(tensor([2, 3]), weight, tensor([0, 0, 10]))); // Tensor float32 [3] = [2, 3, 15]`,
  ones: `import { ones } from "lapidary/torch";

console.log(ones([3], { dtype: "int64" })); // Tensor int64 [3] = [1, 1, 1]`,
  rand: `import { RandomGenerator, rand } from "lapidary/torch";

const x = rand([1000], { generator: RandomGenerator.seeded(1) });
console.log(x.amin().item() >= 0, x.amax().item() < 1); // true true`,
  randn: `import { RandomGenerator, randn } from "lapidary/torch";

const draw = () => randn([2, 3], { generator: RandomGenerator.seeded(1) });
console.log(draw().shape, draw().equal(draw())); // [ 2, 3 ] true`,
  stack: `import { stack, tensor } from "lapidary/torch";

console.log(stack([tensor([1, 2]), tensor([3, 4])])); // Tensor float32 [2, 2] = [1, 2, 3, 4]`,
  where: `import { tensor, where } from "lapidary/torch";

const x = tensor([-1, 2, -3]);
console.log(where(x.gt(0), x, x.mul(0.5))); // Tensor float32 [3] = [-0.5, 2, -1.5]`,
  zeros: `import { zeros } from "lapidary/torch";

console.log(zeros([2, 2])); // Tensor float32 [2, 2] = [0, 0, 0, 0]`,
};
