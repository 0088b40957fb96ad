// Written by `npm run generate` from the schemas of the operators. Do not edit.
import { TensorBase } from "../../torch/tensor/tensor-base.ts";
import { dtypeCode } from "../../torch/tensor/dtype.ts";
import type { DType } from "../../torch/tensor/dtype.ts";
import type { Handle } from "../../torch/native.ts";
import { native } from "../../torch/native.ts";
import type { GeneratorRef } from "../../torch/native.ts";

const call = native.call as (operator: number, ...values: unknown[]) => Handle;
const callMany = native.call as (operator: number, ...values: unknown[]) => Handle[];
const wrapAll = (handles: Handle[]): Tensor[] => handles.map((handle) => new Tensor(handle));
const handleOf = (tensor: Tensor): Handle => tensor.handle;

const ATEN_ADD_TENSOR = native.operator("aten::add", "Tensor");
const ATEN_ADD_SCALAR = native.operator("aten::add", "Scalar");
const ATEN_SUB_TENSOR = native.operator("aten::sub", "Tensor");
const ATEN_SUB_SCALAR = native.operator("aten::sub", "Scalar");
const ATEN_MUL_TENSOR = native.operator("aten::mul", "Tensor");
const ATEN_MUL_SCALAR = native.operator("aten::mul", "Scalar");
const ATEN_DIV_TENSOR = native.operator("aten::div", "Tensor");
const ATEN_DIV_SCALAR = native.operator("aten::div", "Scalar");
const ATEN_NEG = native.operator("aten::neg", "");
const ATEN_ABS = native.operator("aten::abs", "");
const ATEN_EXP = native.operator("aten::exp", "");
const ATEN_LOG = native.operator("aten::log", "");
const ATEN_LOG1P = native.operator("aten::log1p", "");
const ATEN_SQRT = native.operator("aten::sqrt", "");
const ATEN_RSQRT = native.operator("aten::rsqrt", "");
const ATEN_SQUARE = native.operator("aten::square", "");
const ATEN_RECIPROCAL = native.operator("aten::reciprocal", "");
const ATEN_SIGMOID = native.operator("aten::sigmoid", "");
const ATEN_TANH = native.operator("aten::tanh", "");
const ATEN_COS = native.operator("aten::cos", "");
const ATEN_SIN = native.operator("aten::sin", "");
const ATEN_RELU = native.operator("aten::relu", "");
const ATEN_SILU = native.operator("aten::silu", "");
const ATEN_GELU = native.operator("aten::gelu", "");
const ATEN_SOFTPLUS = native.operator("aten::softplus", "");
const ATEN_CLAMP = native.operator("aten::clamp", "");
const ATEN_MAXIMUM = native.operator("aten::maximum", "");
const ATEN_POW_TENSOR_SCALAR = native.operator("aten::pow", "Tensor_Scalar");
const ATEN_WHERE_SELF = native.operator("aten::where", "self");
const ATEN_EQ_TENSOR = native.operator("aten::eq", "Tensor");
const ATEN_EQ_SCALAR = native.operator("aten::eq", "Scalar");
const ATEN_NE_TENSOR = native.operator("aten::ne", "Tensor");
const ATEN_NE_SCALAR = native.operator("aten::ne", "Scalar");
const ATEN_LT_TENSOR = native.operator("aten::lt", "Tensor");
const ATEN_LT_SCALAR = native.operator("aten::lt", "Scalar");
const ATEN_LE_TENSOR = native.operator("aten::le", "Tensor");
const ATEN_LE_SCALAR = native.operator("aten::le", "Scalar");
const ATEN_GT_TENSOR = native.operator("aten::gt", "Tensor");
const ATEN_GT_SCALAR = native.operator("aten::gt", "Scalar");
const ATEN_GE_TENSOR = native.operator("aten::ge", "Tensor");
const ATEN_GE_SCALAR = native.operator("aten::ge", "Scalar");
const ATEN_LOGICAL_NOT = native.operator("aten::logical_not", "");
const ATEN_LOGICAL_AND = native.operator("aten::logical_and", "");
const ATEN_ISFINITE = native.operator("aten::isfinite", "");
const ATEN_MM = native.operator("aten::mm", "");
const ATEN_BMM = native.operator("aten::bmm", "");
const ATEN_MATMUL = native.operator("aten::matmul", "");
const ATEN_ADDMM = native.operator("aten::addmm", "");
const ATEN_LINEAR = native.operator("aten::linear", "");
const ATEN_SUM_DIM_INTLIST = native.operator("aten::sum", "dim_IntList");
const ATEN_MEAN_DIM = native.operator("aten::mean", "dim");
const ATEN_AMAX = native.operator("aten::amax", "");
const ATEN_AMIN = native.operator("aten::amin", "");
const ATEN_ALL = native.operator("aten::all", "");
const ATEN_CUMSUM = native.operator("aten::cumsum", "");
const ATEN_LINALG_VECTOR_NORM = native.operator("aten::linalg_vector_norm", "");
const ATEN_SOFTMAX_INT = native.operator("aten::softmax", "int");
const ATEN_EQUAL = native.operator("aten::equal", "");
const ATEN_RESHAPE = native.operator("aten::reshape", "");
const ATEN_TRANSPOSE_INT = native.operator("aten::transpose", "int");
const ATEN_T = native.operator("aten::t", "");
const ATEN_PERMUTE = native.operator("aten::permute", "");
const ATEN_UNSQUEEZE = native.operator("aten::unsqueeze", "");
const ATEN_SQUEEZE_DIM = native.operator("aten::squeeze", "dim");
const ATEN_EXPAND = native.operator("aten::expand", "");
const ATEN_FLATTEN_USING_INTS = native.operator("aten::flatten", "using_ints");
const ATEN_SLICE_TENSOR = native.operator("aten::slice", "Tensor");
const ATEN_SELECT_INT = native.operator("aten::select", "int");
const ATEN_CONTIGUOUS = native.operator("aten::contiguous", "");
const ATEN_CLONE = native.operator("aten::clone", "");
const ATEN_DETACH = native.operator("aten::detach", "");
const ATEN__TO_COPY = native.operator("aten::_to_copy", "");
const ATEN_VIEW_DTYPE = native.operator("aten::view", "dtype");
const ATEN_DIFF = native.operator("aten::diff", "");
const ATEN_CAT = native.operator("aten::cat", "");
const ATEN_STACK = native.operator("aten::stack", "");
const ATEN_SPLIT_WITH_SIZES = native.operator("aten::split_with_sizes", "");
const ATEN_INDEX_SELECT = native.operator("aten::index_select", "");
const ATEN_GATHER = native.operator("aten::gather", "");
const ATEN_REPEAT_INTERLEAVE_SELF_TENSOR = native.operator("aten::repeat_interleave", "self_Tensor");
const ATEN_MASKED_FILL_SCALAR = native.operator("aten::masked_fill", "Scalar");
const ATEN_INDEX_ADD = native.operator("aten::index_add", "");
const ATEN_EMBEDDING = native.operator("aten::embedding", "");
const ATEN_ZEROS = native.operator("aten::zeros", "");
const ATEN_ONES = native.operator("aten::ones", "");
const ATEN_FULL = native.operator("aten::full", "");
const ATEN_ARANGE_START_STEP = native.operator("aten::arange", "start_step");
const ATEN_ZEROS_LIKE = native.operator("aten::zeros_like", "");
const ATEN_ONES_LIKE = native.operator("aten::ones_like", "");
const ATEN_RAND_GENERATOR = native.operator("aten::rand", "generator");
const ATEN_RANDN_GENERATOR = native.operator("aten::randn", "generator");
const ATEN_FROM_FILE = native.operator("aten::from_file", "");
const ATEN_LAYER_NORM = native.operator("aten::layer_norm", "");
const ATEN_BINARY_CROSS_ENTROPY_WITH_LOGITS = native.operator("aten::binary_cross_entropy_with_logits", "");
const ATEN_ADD__TENSOR = native.operator("aten::add_", "Tensor");
const ATEN_ADD__SCALAR = native.operator("aten::add_", "Scalar");
const ATEN_MUL__TENSOR = native.operator("aten::mul_", "Tensor");
const ATEN_MUL__SCALAR = native.operator("aten::mul_", "Scalar");
const ATEN_SET__SOURCE_TENSOR = native.operator("aten::set_", "source_Tensor");
const ATEN_ADDCMUL_ = native.operator("aten::addcmul_", "");
const ATEN_ADDCDIV_ = native.operator("aten::addcdiv_", "");
const ATEN_LERP__SCALAR = native.operator("aten::lerp_", "Scalar");
const ATEN_SQRT_ = native.operator("aten::sqrt_", "");
const ATEN_COPY_ = native.operator("aten::copy_", "");
const ATEN_ZERO_ = native.operator("aten::zero_", "");
const ATEN_FILL__SCALAR = native.operator("aten::fill_", "Scalar");
const ATEN__INDICES = native.operator("aten::_indices", "");
const ATEN__VALUES = native.operator("aten::_values", "");
const ATEN_COALESCE = native.operator("aten::coalesce", "");

/**
 * A tensor of libtorch: a handle whose methods are the operators that take a tensor first.
 *
 * @example
 * import { tensor } from "lapidary/torch";
 *
 * const x = tensor([1, 2, 3, 4], [2, 2]);
 * x.requiresGrad = true;
 * const loss = x.square().sum();
 * console.log(x.shape, x.dtype, loss.item()); // [ 2, 2 ] float32 30
 * console.log(x.matmul(x.t())); // Tensor float32 [2, 2] = [5, 11, 11, 25]
 */
export class Tensor extends TensorBase {
  /** `aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor` and `aten::add.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor` */
  add(other: Tensor | number, options?: { readonly alpha?: number | boolean }): Tensor {
    if (typeof other === "number") {
      return new Tensor(call(ATEN_ADD_SCALAR, this.handle, other, options?.alpha));
    }
    return new Tensor(call(ATEN_ADD_TENSOR, this.handle, other.handle, options?.alpha));
  }

  /** `aten::sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor` and `aten::sub.Scalar(Tensor self, Scalar other, Scalar alpha=1) -> Tensor` */
  sub(other: Tensor | number, options?: { readonly alpha?: number | boolean }): Tensor {
    if (typeof other === "number") {
      return new Tensor(call(ATEN_SUB_SCALAR, this.handle, other, options?.alpha));
    }
    return new Tensor(call(ATEN_SUB_TENSOR, this.handle, other.handle, options?.alpha));
  }

  /** `aten::mul.Tensor(Tensor self, Tensor other) -> Tensor` and `aten::mul.Scalar(Tensor self, Scalar other) -> Tensor` */
  mul(other: Tensor | number): Tensor {
    if (typeof other === "number") {
      return new Tensor(call(ATEN_MUL_SCALAR, this.handle, other));
    }
    return new Tensor(call(ATEN_MUL_TENSOR, this.handle, other.handle));
  }

  /** `aten::div.Tensor(Tensor self, Tensor other) -> Tensor` and `aten::div.Scalar(Tensor self, Scalar other) -> Tensor` */
  div(other: Tensor | number): Tensor {
    if (typeof other === "number") {
      return new Tensor(call(ATEN_DIV_SCALAR, this.handle, other));
    }
    return new Tensor(call(ATEN_DIV_TENSOR, this.handle, other.handle));
  }

  /** `aten::neg(Tensor self) -> Tensor` */
  neg(): Tensor {
    return new Tensor(call(ATEN_NEG, this.handle));
  }

  /** `aten::abs(Tensor self) -> Tensor` */
  abs(): Tensor {
    return new Tensor(call(ATEN_ABS, this.handle));
  }

  /** `aten::exp(Tensor self) -> Tensor` */
  exp(): Tensor {
    return new Tensor(call(ATEN_EXP, this.handle));
  }

  /** `aten::log(Tensor self) -> Tensor` */
  log(): Tensor {
    return new Tensor(call(ATEN_LOG, this.handle));
  }

  /** `aten::log1p(Tensor self) -> Tensor` */
  log1p(): Tensor {
    return new Tensor(call(ATEN_LOG1P, this.handle));
  }

  /** `aten::sqrt(Tensor self) -> Tensor` */
  sqrt(): Tensor {
    return new Tensor(call(ATEN_SQRT, this.handle));
  }

  /** `aten::rsqrt(Tensor self) -> Tensor` */
  rsqrt(): Tensor {
    return new Tensor(call(ATEN_RSQRT, this.handle));
  }

  /** `aten::square(Tensor self) -> Tensor` */
  square(): Tensor {
    return new Tensor(call(ATEN_SQUARE, this.handle));
  }

  /** `aten::reciprocal(Tensor self) -> Tensor` */
  reciprocal(): Tensor {
    return new Tensor(call(ATEN_RECIPROCAL, this.handle));
  }

  /** `aten::sigmoid(Tensor self) -> Tensor` */
  sigmoid(): Tensor {
    return new Tensor(call(ATEN_SIGMOID, this.handle));
  }

  /** `aten::tanh(Tensor self) -> Tensor` */
  tanh(): Tensor {
    return new Tensor(call(ATEN_TANH, this.handle));
  }

  /** `aten::cos(Tensor self) -> Tensor` */
  cos(): Tensor {
    return new Tensor(call(ATEN_COS, this.handle));
  }

  /** `aten::sin(Tensor self) -> Tensor` */
  sin(): Tensor {
    return new Tensor(call(ATEN_SIN, this.handle));
  }

  /** `aten::relu(Tensor self) -> Tensor` */
  relu(): Tensor {
    return new Tensor(call(ATEN_RELU, this.handle));
  }

  /** `aten::silu(Tensor self) -> Tensor` */
  silu(): Tensor {
    return new Tensor(call(ATEN_SILU, this.handle));
  }

  /** `aten::gelu(Tensor self, *, str approximate="none") -> Tensor` */
  gelu(options?: { readonly approximate?: string }): Tensor {
    return new Tensor(call(ATEN_GELU, this.handle, options?.approximate));
  }

  /** `aten::softplus(Tensor self, Scalar beta=1, Scalar threshold=20) -> Tensor` */
  softplus(beta?: number | boolean, threshold?: number | boolean): Tensor {
    return new Tensor(call(ATEN_SOFTPLUS, this.handle, beta, threshold));
  }

  /** `aten::clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor` */
  clamp(min?: number | boolean | null, max?: number | boolean | null): Tensor {
    return new Tensor(call(ATEN_CLAMP, this.handle, min, max));
  }

  /** `aten::maximum(Tensor self, Tensor other) -> Tensor` */
  maximum(other: Tensor): Tensor {
    return new Tensor(call(ATEN_MAXIMUM, this.handle, other.handle));
  }

  /** `aten::pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor` */
  pow(exponent: number | boolean): Tensor {
    return new Tensor(call(ATEN_POW_TENSOR_SCALAR, this.handle, exponent));
  }

  /** `aten::eq.Tensor(Tensor self, Tensor other) -> Tensor` and `aten::eq.Scalar(Tensor self, Scalar other) -> Tensor` */
  eq(other: Tensor | number): Tensor {
    if (typeof other === "number") {
      return new Tensor(call(ATEN_EQ_SCALAR, this.handle, other));
    }
    return new Tensor(call(ATEN_EQ_TENSOR, this.handle, other.handle));
  }

  /** `aten::ne.Tensor(Tensor self, Tensor other) -> Tensor` and `aten::ne.Scalar(Tensor self, Scalar other) -> Tensor` */
  ne(other: Tensor | number): Tensor {
    if (typeof other === "number") {
      return new Tensor(call(ATEN_NE_SCALAR, this.handle, other));
    }
    return new Tensor(call(ATEN_NE_TENSOR, this.handle, other.handle));
  }

  /** `aten::lt.Tensor(Tensor self, Tensor other) -> Tensor` and `aten::lt.Scalar(Tensor self, Scalar other) -> Tensor` */
  lt(other: Tensor | number): Tensor {
    if (typeof other === "number") {
      return new Tensor(call(ATEN_LT_SCALAR, this.handle, other));
    }
    return new Tensor(call(ATEN_LT_TENSOR, this.handle, other.handle));
  }

  /** `aten::le.Tensor(Tensor self, Tensor other) -> Tensor` and `aten::le.Scalar(Tensor self, Scalar other) -> Tensor` */
  le(other: Tensor | number): Tensor {
    if (typeof other === "number") {
      return new Tensor(call(ATEN_LE_SCALAR, this.handle, other));
    }
    return new Tensor(call(ATEN_LE_TENSOR, this.handle, other.handle));
  }

  /** `aten::gt.Tensor(Tensor self, Tensor other) -> Tensor` and `aten::gt.Scalar(Tensor self, Scalar other) -> Tensor` */
  gt(other: Tensor | number): Tensor {
    if (typeof other === "number") {
      return new Tensor(call(ATEN_GT_SCALAR, this.handle, other));
    }
    return new Tensor(call(ATEN_GT_TENSOR, this.handle, other.handle));
  }

  /** `aten::ge.Tensor(Tensor self, Tensor other) -> Tensor` and `aten::ge.Scalar(Tensor self, Scalar other) -> Tensor` */
  ge(other: Tensor | number): Tensor {
    if (typeof other === "number") {
      return new Tensor(call(ATEN_GE_SCALAR, this.handle, other));
    }
    return new Tensor(call(ATEN_GE_TENSOR, this.handle, other.handle));
  }

  /** `aten::logical_not(Tensor self) -> Tensor` */
  logicalNot(): Tensor {
    return new Tensor(call(ATEN_LOGICAL_NOT, this.handle));
  }

  /** `aten::logical_and(Tensor self, Tensor other) -> Tensor` */
  logicalAnd(other: Tensor): Tensor {
    return new Tensor(call(ATEN_LOGICAL_AND, this.handle, other.handle));
  }

  /** `aten::isfinite(Tensor self) -> Tensor` */
  isfinite(): Tensor {
    return new Tensor(call(ATEN_ISFINITE, this.handle));
  }

  /** `aten::mm(Tensor self, Tensor mat2) -> Tensor` */
  mm(mat2: Tensor): Tensor {
    return new Tensor(call(ATEN_MM, this.handle, mat2.handle));
  }

  /** `aten::bmm(Tensor self, Tensor mat2) -> Tensor` */
  bmm(mat2: Tensor): Tensor {
    return new Tensor(call(ATEN_BMM, this.handle, mat2.handle));
  }

  /** `aten::matmul(Tensor self, Tensor other) -> Tensor` */
  matmul(other: Tensor): Tensor {
    return new Tensor(call(ATEN_MATMUL, this.handle, other.handle));
  }

  /** `aten::addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor` */
  addmm(mat1: Tensor, mat2: Tensor, options?: { readonly beta?: number | boolean; readonly alpha?: number | boolean }): Tensor {
    return new Tensor(call(ATEN_ADDMM, this.handle, mat1.handle, mat2.handle, options?.beta, options?.alpha));
  }

  /** `aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
  sum(dim?: readonly number[] | null, keepdim?: boolean, options?: { readonly dtype?: DType | null }): Tensor {
    return new Tensor(call(ATEN_SUM_DIM_INTLIST, this.handle, dim, keepdim, dtypeCode(options?.dtype)));
  }

  /** `aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
  mean(dim?: readonly number[] | null, keepdim?: boolean, options?: { readonly dtype?: DType | null }): Tensor {
    return new Tensor(call(ATEN_MEAN_DIM, this.handle, dim, keepdim, dtypeCode(options?.dtype)));
  }

  /** `aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor` */
  amax(dim?: readonly number[], keepdim?: boolean): Tensor {
    return new Tensor(call(ATEN_AMAX, this.handle, dim, keepdim));
  }

  /** `aten::amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor` */
  amin(dim?: readonly number[], keepdim?: boolean): Tensor {
    return new Tensor(call(ATEN_AMIN, this.handle, dim, keepdim));
  }

  /** `aten::all(Tensor self) -> Tensor` */
  all(): Tensor {
    return new Tensor(call(ATEN_ALL, this.handle));
  }

  /** `aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor` */
  cumsum(dim: number, options?: { readonly dtype?: DType | null }): Tensor {
    return new Tensor(call(ATEN_CUMSUM, this.handle, dim, dtypeCode(options?.dtype)));
  }

  /** `aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor` */
  linalgVectorNorm(ord?: number | boolean, dim?: readonly number[] | null, keepdim?: boolean, options?: { readonly dtype?: DType | null }): Tensor {
    return new Tensor(call(ATEN_LINALG_VECTOR_NORM, this.handle, ord, dim, keepdim, dtypeCode(options?.dtype)));
  }

  /** `aten::softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor` */
  softmax(dim: number, dtype?: DType | null): Tensor {
    return new Tensor(call(ATEN_SOFTMAX_INT, this.handle, dim, dtypeCode(dtype)));
  }

  /** `aten::equal(Tensor self, Tensor other) -> bool` */
  equal(other: Tensor): boolean {
    return native.call(ATEN_EQUAL, this.handle, other.handle) as boolean;
  }

  /** `aten::reshape(Tensor(a) self, SymInt[] shape) -> Tensor(a)` */
  reshape(shape: readonly number[]): Tensor {
    return new Tensor(call(ATEN_RESHAPE, this.handle, shape));
  }

  /** `aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)` */
  transpose(dim0: number, dim1: number): Tensor {
    return new Tensor(call(ATEN_TRANSPOSE_INT, this.handle, dim0, dim1));
  }

  /** `aten::t(Tensor(a) self) -> Tensor(a)` */
  t(): Tensor {
    return new Tensor(call(ATEN_T, this.handle));
  }

  /** `aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)` */
  permute(dims: readonly number[]): Tensor {
    return new Tensor(call(ATEN_PERMUTE, this.handle, dims));
  }

  /** `aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)` */
  unsqueeze(dim: number): Tensor {
    return new Tensor(call(ATEN_UNSQUEEZE, this.handle, dim));
  }

  /** `aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)` */
  squeeze(dim: number): Tensor {
    return new Tensor(call(ATEN_SQUEEZE_DIM, this.handle, dim));
  }

  /** `aten::expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)` */
  expand(size: readonly number[], options?: { readonly implicit?: boolean }): Tensor {
    return new Tensor(call(ATEN_EXPAND, this.handle, size, options?.implicit));
  }

  /** `aten::flatten.using_ints(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)` */
  flatten(startDim?: number, endDim?: number): Tensor {
    return new Tensor(call(ATEN_FLATTEN_USING_INTS, this.handle, startDim, endDim));
  }

  /** `aten::slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor(a)` */
  slice(dim?: number, start?: number | null, end?: number | null, step?: number): Tensor {
    return new Tensor(call(ATEN_SLICE_TENSOR, this.handle, dim, start, end, step));
  }

  /** `aten::select.int(Tensor(a) self, int dim, int index) -> Tensor(a)` */
  select(dim: number, index: number): Tensor {
    return new Tensor(call(ATEN_SELECT_INT, this.handle, dim, index));
  }

  /** `aten::contiguous(Tensor(a) self, *, MemoryFormat memory_format=0) -> Tensor(a)` */
  contiguous(): Tensor {
    return new Tensor(call(ATEN_CONTIGUOUS, this.handle));
  }

  /** `aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor` */
  clone(): Tensor {
    return new Tensor(call(ATEN_CLONE, this.handle));
  }

  /** `aten::detach(Tensor(a) self) -> Tensor(a)` */
  detach(): Tensor {
    return new Tensor(call(ATEN_DETACH, this.handle));
  }

  /** `aten::_to_copy(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, bool non_blocking=False, MemoryFormat? memory_format=None) -> Tensor` */
  to(options?: { readonly dtype?: DType | null; readonly device?: string | null }): Tensor {
    return new Tensor(call(ATEN__TO_COPY, this.handle, dtypeCode(options?.dtype), undefined, options?.device));
  }

  /** `aten::view.dtype(Tensor(a) self, ScalarType dtype) -> Tensor(a)` */
  reinterpret(dtype: DType): Tensor {
    return new Tensor(call(ATEN_VIEW_DTYPE, this.handle, dtypeCode(dtype)));
  }

  /** `aten::diff(Tensor self, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None) -> Tensor` */
  diff(n?: number, dim?: number, prepend?: Tensor | null, append?: Tensor | null): Tensor {
    return new Tensor(call(ATEN_DIFF, this.handle, n, dim, prepend?.handle, append?.handle));
  }

  /** `aten::split_with_sizes(Tensor(a -> *) self, int[] split_sizes, int dim=0) -> Tensor(a)[]` */
  splitWithSizes(splitSizes: readonly number[], dim?: number): Tensor[] {
    return wrapAll(callMany(ATEN_SPLIT_WITH_SIZES, this.handle, splitSizes, dim));
  }

  /** `aten::index_select(Tensor self, int dim, Tensor index) -> Tensor` */
  indexSelect(dim: number, index: Tensor): Tensor {
    return new Tensor(call(ATEN_INDEX_SELECT, this.handle, dim, index.handle));
  }

  /** `aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor` */
  gather(dim: number, index: Tensor, options?: { readonly sparseGrad?: boolean }): Tensor {
    return new Tensor(call(ATEN_GATHER, this.handle, dim, index.handle, options?.sparseGrad));
  }

  /** `aten::repeat_interleave.self_Tensor(Tensor self, Tensor repeats, int? dim=None, *, int? output_size=None) -> Tensor` */
  repeatInterleave(repeats: Tensor, dim?: number | null, options?: { readonly outputSize?: number | null }): Tensor {
    return new Tensor(call(ATEN_REPEAT_INTERLEAVE_SELF_TENSOR, this.handle, repeats.handle, dim, options?.outputSize));
  }

  /** `aten::masked_fill.Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor` */
  maskedFill(mask: Tensor, value: number | boolean): Tensor {
    return new Tensor(call(ATEN_MASKED_FILL_SCALAR, this.handle, mask.handle, value));
  }

  /** `aten::index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor` */
  indexAdd(dim: number, index: Tensor, source: Tensor, options?: { readonly alpha?: number | boolean }): Tensor {
    return new Tensor(call(ATEN_INDEX_ADD, this.handle, dim, index.handle, source.handle, options?.alpha));
  }

  /** `aten::zeros_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
  zerosLike(options?: { readonly dtype?: DType | null; readonly device?: string | null }): Tensor {
    return new Tensor(call(ATEN_ZEROS_LIKE, this.handle, dtypeCode(options?.dtype), undefined, options?.device));
  }

  /** `aten::ones_like(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None) -> Tensor` */
  onesLike(options?: { readonly dtype?: DType | null; readonly device?: string | null }): Tensor {
    return new Tensor(call(ATEN_ONES_LIKE, this.handle, dtypeCode(options?.dtype), undefined, options?.device));
  }

  /** `aten::binary_cross_entropy_with_logits(Tensor self, Tensor target, Tensor? weight=None, Tensor? pos_weight=None, int reduction=1) -> Tensor` */
  binaryCrossEntropyWithLogits(target: Tensor, weight?: Tensor | null, posWeight?: Tensor | null, reduction?: number): Tensor {
    return new Tensor(call(ATEN_BINARY_CROSS_ENTROPY_WITH_LOGITS, this.handle, target.handle, weight?.handle, posWeight?.handle, reduction));
  }

  /** `aten::add_.Tensor(Tensor(a!) self, Tensor other, *, Scalar alpha=1) -> Tensor(a!)` and `aten::add_.Scalar(Tensor(a!) self, Scalar other, Scalar alpha=1) -> Tensor(a!)` */
  add_(other: Tensor | number, options?: { readonly alpha?: number | boolean }): this {
    if (typeof other === "number") {
      native.callDropped(ATEN_ADD__SCALAR, this.handle, other, options?.alpha);
      return this;
    }
    native.callDropped(ATEN_ADD__TENSOR, this.handle, other.handle, options?.alpha);
    return this;
  }

  /** `aten::mul_.Tensor(Tensor(a!) self, Tensor other) -> Tensor(a!)` and `aten::mul_.Scalar(Tensor(a!) self, Scalar other) -> Tensor(a!)` */
  mul_(other: Tensor | number): this {
    if (typeof other === "number") {
      native.callDropped(ATEN_MUL__SCALAR, this.handle, other);
      return this;
    }
    native.callDropped(ATEN_MUL__TENSOR, this.handle, other.handle);
    return this;
  }

  /** `aten::set_.source_Tensor(Tensor(a!) self, Tensor source) -> Tensor(a!)` */
  set_(source: Tensor): this {
    native.callDropped(ATEN_SET__SOURCE_TENSOR, this.handle, source.handle);
    return this;
  }

  /** `aten::addcmul_(Tensor(a!) self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor(a!)` */
  addcmul_(tensor1: Tensor, tensor2: Tensor, options?: { readonly value?: number | boolean }): this {
    native.callDropped(ATEN_ADDCMUL_, this.handle, tensor1.handle, tensor2.handle, options?.value);
    return this;
  }

  /** `aten::addcdiv_(Tensor(a!) self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor(a!)` */
  addcdiv_(tensor1: Tensor, tensor2: Tensor, options?: { readonly value?: number | boolean }): this {
    native.callDropped(ATEN_ADDCDIV_, this.handle, tensor1.handle, tensor2.handle, options?.value);
    return this;
  }

  /** `aten::lerp_.Scalar(Tensor(a!) self, Tensor end, Scalar weight) -> Tensor(a!)` */
  lerp_(end: Tensor, weight: number | boolean): this {
    native.callDropped(ATEN_LERP__SCALAR, this.handle, end.handle, weight);
    return this;
  }

  /** `aten::sqrt_(Tensor(a!) self) -> Tensor(a!)` */
  sqrt_(): this {
    native.callDropped(ATEN_SQRT_, this.handle);
    return this;
  }

  /** `aten::copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!)` */
  copy_(src: Tensor): this {
    native.callDropped(ATEN_COPY_, this.handle, src.handle);
    return this;
  }

  /** `aten::zero_(Tensor(a!) self) -> Tensor(a!)` */
  zero_(): this {
    native.callDropped(ATEN_ZERO_, this.handle);
    return this;
  }

  /** `aten::fill_.Scalar(Tensor(a!) self, Scalar value) -> Tensor(a!)` */
  fill_(value: number | boolean): this {
    native.callDropped(ATEN_FILL__SCALAR, this.handle, value);
    return this;
  }

  /** `aten::_indices(Tensor(a) self) -> Tensor(a)` */
  indices(): Tensor {
    return new Tensor(call(ATEN__INDICES, this.handle));
  }

  /** `aten::_values(Tensor(a) self) -> Tensor(a)` */
  values(): Tensor {
    return new Tensor(call(ATEN__VALUES, this.handle));
  }

  /** `aten::coalesce(Tensor(a) self) -> Tensor(a)` */
  coalesce(): Tensor {
    return new Tensor(call(ATEN_COALESCE, this.handle));
  }
}

/**
 * `aten::where.self(Tensor condition, Tensor self, Tensor other) -> Tensor`
 *
 * @example
 * import { tensor, where } from "lapidary/torch";
 *
 * const x = tensor([-1, 2, -3]);
 * console.log(where(x.gt(0), x, x.mul(0.5))); // Tensor float32 [3] = [-0.5, 2, -1.5]
 */
export function where(condition: Tensor, self: Tensor, other: Tensor): Tensor {
  return new Tensor(call(ATEN_WHERE_SELF, condition.handle, self.handle, other.handle));
}

/**
 * `aten::linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor`
 *
 * @example
 * import { linear, tensor } from "lapidary/torch";
 *
 * const weight = tensor([1, 0, 0, 1, 1, 1], [3, 2]); // [out, in]
 * console.log(linear(tensor([2, 3]), weight, tensor([0, 0, 10]))); // Tensor float32 [3] = [2, 3, 15]
 */
export function linear(input: Tensor, weight: Tensor, bias?: Tensor | null): Tensor {
  return new Tensor(call(ATEN_LINEAR, input.handle, weight.handle, bias?.handle));
}

/**
 * `aten::cat(Tensor[] tensors, int dim=0) -> Tensor`
 *
 * @example
 * import { cat, tensor } from "lapidary/torch";
 *
 * console.log(cat([tensor([1, 2]), tensor([3])])); // Tensor float32 [3] = [1, 2, 3]
 */
export function cat(tensors: readonly Tensor[], dim?: number): Tensor {
  return new Tensor(call(ATEN_CAT, tensors.map(handleOf), dim));
}

/**
 * `aten::stack(Tensor[] tensors, int dim=0) -> Tensor`
 *
 * @example
 * import { stack, tensor } from "lapidary/torch";
 *
 * console.log(stack([tensor([1, 2]), tensor([3, 4])])); // Tensor float32 [2, 2] = [1, 2, 3, 4]
 */
export function stack(tensors: readonly Tensor[], dim?: number): Tensor {
  return new Tensor(call(ATEN_STACK, tensors.map(handleOf), dim));
}

/**
 * `aten::embedding(Tensor weight, Tensor indices, int padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor`
 *
 * @example
 * import { embedding, fromArray, tensor } from "lapidary/torch";
 *
 * const weight = tensor([0, 0, 1, 2, 3, 4], [3, 2]); // 3 rows of width 2
 * const codes = fromArray(BigInt64Array.of(2n, 1n, 2n), [3]);
 * console.log(embedding(weight, codes)); // Tensor float32 [3, 2] = [3, 4, 1, 2, 3, 4]
 */
export function embedding(weight: Tensor, indices: Tensor, paddingIdx?: number, scaleGradByFreq?: boolean, sparse?: boolean): Tensor {
  return new Tensor(call(ATEN_EMBEDDING, weight.handle, indices.handle, paddingIdx, scaleGradByFreq, sparse));
}

/**
 * `aten::zeros(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`
 *
 * @example
 * import { zeros } from "lapidary/torch";
 *
 * console.log(zeros([2, 2])); // Tensor float32 [2, 2] = [0, 0, 0, 0]
 */
export function zeros(size: readonly number[], options?: { readonly dtype?: DType | null; readonly device?: string | null }): Tensor {
  return new Tensor(call(ATEN_ZEROS, size, dtypeCode(options?.dtype), undefined, options?.device));
}

/**
 * `aten::ones(SymInt[] size, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`
 *
 * @example
 * import { ones } from "lapidary/torch";
 *
 * console.log(ones([3], { dtype: "int64" })); // Tensor int64 [3] = [1, 1, 1]
 */
export function ones(size: readonly number[], options?: { readonly dtype?: DType | null; readonly device?: string | null }): Tensor {
  return new Tensor(call(ATEN_ONES, size, dtypeCode(options?.dtype), undefined, options?.device));
}

/**
 * `aten::full(SymInt[] size, Scalar fill_value, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`
 *
 * @example
 * import { full } from "lapidary/torch";
 *
 * console.log(full([2, 2], 0.5)); // Tensor float32 [2, 2] = [0.5, 0.5, 0.5, 0.5]
 */
export function full(size: readonly number[], fillValue: number | boolean, options?: { readonly dtype?: DType | null; readonly device?: string | null }): Tensor {
  return new Tensor(call(ATEN_FULL, size, fillValue, dtypeCode(options?.dtype), undefined, options?.device));
}

/**
 * `aten::arange.start_step(Scalar start, Scalar end, Scalar step=1, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`
 *
 * @example
 * import { arange } from "lapidary/torch";
 *
 * console.log(arange(0, 1, 0.25)); // Tensor float32 [4] = [0, 0.25, 0.5, 0.75]
 */
export function arange(start: number | boolean, end: number | boolean, step?: number | boolean, options?: { readonly dtype?: DType | null; readonly device?: string | null }): Tensor {
  return new Tensor(call(ATEN_ARANGE_START_STEP, start, end, step, dtypeCode(options?.dtype), undefined, options?.device));
}

/**
 * `aten::rand.generator(int[] size, *, Generator? generator, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`
 *
 * @example
 * import { RandomGenerator, rand } from "lapidary/torch";
 *
 * const x = rand([1000], { generator: RandomGenerator.seeded(1) });
 * console.log(x.amin().item() >= 0, x.amax().item() < 1); // true true
 */
export function rand(size: readonly number[], options?: { readonly generator?: GeneratorRef | null; readonly dtype?: DType | null; readonly device?: string | null }): Tensor {
  return new Tensor(call(ATEN_RAND_GENERATOR, size, options?.generator?.id, dtypeCode(options?.dtype), undefined, options?.device));
}

/**
 * `aten::randn.generator(int[] size, *, Generator? generator, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`
 *
 * @example
 * import { RandomGenerator, randn } from "lapidary/torch";
 *
 * const draw = () => randn([2, 3], { generator: RandomGenerator.seeded(1) });
 * console.log(draw().shape, draw().equal(draw())); // [ 2, 3 ] true
 */
export function randn(size: readonly number[], options?: { readonly generator?: GeneratorRef | null; readonly dtype?: DType | null; readonly device?: string | null }): Tensor {
  return new Tensor(call(ATEN_RANDN_GENERATOR, size, options?.generator?.id, dtypeCode(options?.dtype), undefined, options?.device));
}

/**
 * `aten::from_file(str filename, bool? shared=None, int? size=0, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor`
 *
 * @example
 * import { writeFileSync } from "node:fs";
 * import { fromFile } from "lapidary/torch";
 *
 * writeFileSync("row.bin", new Uint8Array(Float32Array.of(1, 2, 3).buffer));
 * console.log(fromFile("row.bin", false, 3, { dtype: "float32" })); // Tensor float32 [3] = [1, 2, 3]
 */
export function fromFile(filename: string, shared?: boolean | null, size?: number | null, options?: { readonly dtype?: DType | null; readonly device?: string | null }): Tensor {
  return new Tensor(call(ATEN_FROM_FILE, filename, shared, size, dtypeCode(options?.dtype), undefined, options?.device));
}

/**
 * `aten::layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1.0000000000000001e-05, bool cudnn_enable=True) -> Tensor`
 *
 * @example
 * import { layerNorm, tensor } from "lapidary/torch";
 *
 * const y = layerNorm(tensor([1, 3, -5, 5], [2, 2]), [2], null, null, 0);
 * console.log(y); // Tensor float32 [2, 2] = [-1, 1, -1, 1]
 */
export function layerNorm(input: Tensor, normalizedShape: readonly number[], weight?: Tensor | null, bias?: Tensor | null, eps?: number, cudnnEnable?: boolean): Tensor {
  return new Tensor(call(ATEN_LAYER_NORM, input.handle, normalizedShape, weight?.handle, bias?.handle, eps, cudnnEnable));
}
