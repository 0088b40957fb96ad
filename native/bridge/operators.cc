// Any operator, by name, through libtorch's dispatcher: arguments go on a stack as the schema says, results come off it.
#include "bridge.h"

namespace lapidary {

using c10::IValue;
using c10::TypeKind;

static std::string nameOf(const c10::FunctionSchema& schema) {
  return schema.overload_name().empty() ? schema.name() : schema.name() + "." + schema.overload_name();
}

// Whether an operator takes and gives new tensors only, none that it changes, and perhaps a factor at the end.
static bool isPlain(const c10::FunctionSchema& schema, size_t tensors, bool factor) {
  const auto& formal = schema.arguments();
  const auto& results = schema.returns();
  if (formal.size() != tensors + (factor ? 1 : 0)) return false;
  if (results.size() != 1 || results[0].type()->kind() != TypeKind::TensorType) return false;
  for (size_t i = 0; i < tensors; ++i) {
    const auto* alias = formal[i].alias_info();
    if (formal[i].type()->kind() != TypeKind::TensorType || (alias != nullptr && alias->isWrite())) return false;
  }
  return !factor || (formal.back().type()->kind() == TypeKind::NumberType && formal.back().default_value());
}

BoundOperator::BoundOperator(c10::OperatorHandle found) : handle(found), schema(&found.schema()) {
  if (isPlain(*schema, 1, false)) unary = handle.typed<Unary>();
  if (isPlain(*schema, 2, false)) binary = handle.typed<Binary>();
  if (isPlain(*schema, 2, true)) scaledBinary = handle.typed<ScaledBinary>();
}

// operator(name, overload) → index for call(). Names as in the schema: "aten::add", "Tensor".
static napi_value bindOperator(const Call& call) {
  const std::string name = toString(call.env, call.values[0], "name");
  const std::string overload = toString(call.env, call.values[1], "overload");
  const auto found = c10::Dispatcher::singleton().findSchema({name, overload});
  if (!found) throw BridgeError("unknown", "this libtorch has no operator " + name + (overload.empty() ? "" : "." + overload));
  call.state.operators.emplace_back(*found);
  return fromNumber(call.env, static_cast<double>(call.state.operators.size() - 1));
}

// A JavaScript number is an int for libtorch where it is integral, so that `integers.add(1)` stays integral.
static IValue toScalar(napi_env env, napi_value value, const char* what) {
  double number = 0;
  if (napi_get_value_double(env, value, &number) == napi_ok) {
    const bool integral = number == std::trunc(number) && std::abs(number) <= 9007199254740992.0;
    if (integral && !(number == 0 && std::signbit(number))) return IValue(static_cast<int64_t>(number));
    return IValue(number);
  }
  bool flag = false;
  if (napi_get_value_bool(env, value, &flag) == napi_ok) return IValue(flag);
  return IValue(toInt(env, value, what));
}

static IValue toListValue(const Call& call, napi_value value, const c10::Type& element, const char* what) {
  switch (element.kind()) {
    case TypeKind::TensorType:
      return IValue(toTensors(call, value, what));
    case TypeKind::IntType:
    case TypeKind::SymIntType:
      return IValue(toInts(call.env, value, what));
    case TypeKind::OptionalType: {
      uint32_t length = 0;
      check(call.env, napi_get_array_length(call.env, value, &length), what);
      c10::List<c10::optional<at::Tensor>> list;
      for (uint32_t i = 0; i < length; ++i) {
        napi_value item;
        check(call.env, napi_get_element(call.env, value, i, &item), what);
        if (isNothing(call.env, item)) list.push_back(c10::nullopt);
        else list.push_back(toTensor(call, item, what));
      }
      return IValue(std::move(list));
    }
    case TypeKind::FloatType:
    case TypeKind::BoolType: {
      uint32_t length = 0;
      check(call.env, napi_get_array_length(call.env, value, &length), what);
      c10::List<double> floats;
      c10::List<bool> flags;
      for (uint32_t i = 0; i < length; ++i) {
        napi_value item;
        check(call.env, napi_get_element(call.env, value, i, &item), what);
        if (element.kind() == TypeKind::FloatType) floats.push_back(toDouble(call.env, item, what));
        else flags.push_back(toBool(call.env, item, what));
      }
      return element.kind() == TypeKind::FloatType ? IValue(std::move(floats)) : IValue(std::move(flags));
    }
    default:
      throw BridgeError("argument", std::string(what) + ": lists of " + element.str() + " are not supported");
  }
}

static IValue toValue(const Call& call, napi_value value, const c10::Type& type, const char* what) {
  switch (type.kind()) {
    case TypeKind::TensorType:
      return IValue(toTensor(call, value, what));
    case TypeKind::OptionalType:
      if (isNothing(call.env, value)) return IValue();
      return toValue(call, value, *type.containedType(0), what);
    case TypeKind::ListType:
      return toListValue(call, value, *type.containedType(0), what);
    case TypeKind::IntType:
    case TypeKind::SymIntType:
      return IValue(toInt(call.env, value, what));
    case TypeKind::FloatType:
      return IValue(toDouble(call.env, value, what));
    case TypeKind::BoolType:
      return IValue(toBool(call.env, value, what));
    case TypeKind::StringType:
      return IValue(toString(call.env, value, what));
    case TypeKind::NumberType:
      return toScalar(call.env, value, what);
    case TypeKind::DeviceObjType:
      return IValue(c10::Device(toString(call.env, value, what)));
    case TypeKind::GeneratorType:
      return IValue(call.state.generator(toInt(call.env, value, what)));
    default:
      throw BridgeError("argument", std::string(what) + ": type " + type.str() + " is not supported");
  }
}

static napi_value fromValue(const Call& call, IValue&& value) {
  if (value.isTensor()) return fromTensor(call, std::move(value).toTensor());
  if (value.isTensorList()) return fromTensors(call, value.toTensorVector());
  if (value.isBool()) return fromBool(call.env, value.toBool());
  if (value.isInt()) return fromNumber(call.env, static_cast<double>(value.toInt()));
  if (value.isDouble()) return fromNumber(call.env, value.toDouble());
  if (value.isScalar()) return fromNumber(call.env, value.toScalar().toDouble());
  if (value.isNone()) return fromTensor(call, at::Tensor());
  throw BridgeError("argument", "results of type " + value.tagKind() + " are not supported");
}

static void push(const Call& call, const BoundOperator& bound) {
  auto& stack = call.state.stack;
  stack.clear();
  const auto& formal = bound.schema->arguments();
  if (call.count - 1 > formal.size()) throw BridgeError("argument", "too many arguments");
  for (size_t i = 0; i < formal.size(); ++i) {
    const c10::Argument& argument = formal[i];
    napi_valuetype type = napi_undefined;
    if (i + 1 < call.count) napi_typeof(call.env, call.values[i + 1], &type);
    if (type != napi_undefined) {
      stack.push_back(toValue(call, call.values[i + 1], *argument.type(), argument.name().c_str()));
    } else if (argument.default_value()) {
      stack.push_back(*argument.default_value());
    } else if (argument.type()->kind() == TypeKind::OptionalType) {
      stack.emplace_back();
    } else {
      throw BridgeError("argument", argument.name() + " is missing");
    }
  }
}

// The result of an operator of one of the common signatures; undefined for the others, which are called with boxes.
static at::Tensor callPlain(const Call& call, const BoundOperator& bound) {
  const auto tensor = [&](size_t i) -> const at::Tensor& {
    return toTensor(call, call.values[i + 1], bound.schema->arguments()[i].name().c_str());
  };
  if (bound.binary && call.count == 3) return bound.binary->call(tensor(0), tensor(1));
  if (bound.unary && call.count == 2) return bound.unary->call(tensor(0));
  if (!bound.scaledBinary || call.count > 4) return at::Tensor();
  const bool given = call.count == 4 && !isNothing(call.env, call.values[3]);
  const at::Scalar factor = given ? toScalar(call.env, call.values[3], "factor").toScalar()
                                  : bound.schema->arguments()[2].default_value()->toScalar();
  return bound.scaledBinary->call(tensor(0), tensor(1), factor);
}

enum class Results { kReturned, kDropped };

static napi_value runOperator(const Call& call, const BoundOperator& bound, Results results) {
  if (at::Tensor plain = callPlain(call, bound); plain.defined()) {
    return results == Results::kReturned ? fromTensor(call, std::move(plain)) : nullptr;
  }
  auto& stack = call.state.stack;
  push(call, bound);
  bound.handle.callBoxed(&stack);
  napi_value result = nullptr;
  if (results == Results::kReturned && stack.size() == 1) {
    result = fromValue(call, std::move(stack[0]));
  } else if (results == Results::kReturned && !stack.empty()) {
    napi_create_array_with_length(call.env, stack.size(), &result);
    for (size_t i = 0; i < stack.size(); ++i) napi_set_element(call.env, result, i, fromValue(call, std::move(stack[i])));
  }
  stack.clear();
  return result;
}

// Tells the recorder of a call: its result, the operator's index, its arguments. What it throws stays pending.
static void record(const Call& call, napi_value result) {
  napi_value recorder, ignored;
  std::vector<napi_value> values{result == nullptr ? undefined(call.env) : result};
  values.insert(values.end(), call.values, call.values + call.count);
  check(call.env, napi_get_reference_value(call.env, call.state.recorder, &recorder), "recorder");
  napi_call_function(call.env, undefined(call.env), recorder, values.size(), values.data(), &ignored);
}

template <Results results>
static napi_value callOperator(napi_env env, napi_callback_info info) {
  Environment& state = environment(env);
  const BoundOperator* bound = nullptr;
  try {
    const Call call(env, info);
    uint32_t index = 0;
    check(env, napi_get_value_uint32(env, call.values[0], &index), "operator");
    bound = &state.operators.at(index);
    napi_value result = runOperator(call, *bound, results);
    if (state.recorder != nullptr) record(call, result);
    return result;
  } catch (...) {
    state.stack.clear();
    return throwCurrent(env, bound == nullptr ? "torch" : nameOf(*bound->schema));
  }
}

// setRecorder(((result, operator, ...arguments) => void) | null): who is told of every operator from now on.
static napi_value setRecorder(const Call& call) {
  if (call.state.recorder != nullptr) napi_delete_reference(call.env, call.state.recorder);
  call.state.recorder = nullptr;
  if (isNothing(call.env, call.values[0])) return undefined(call.env);
  check(call.env, napi_create_reference(call.env, call.values[0], 1, &call.state.recorder), "recorder");
  return undefined(call.env);
}

// schema(index) → the registered schema as text.
static napi_value schemaOf(const Call& call) {
  const auto index = static_cast<size_t>(toInt(call.env, call.values[0], "operator"));
  std::ostringstream text;
  text << *call.state.operators.at(index).schema;
  return fromString(call.env, text.str());
}

void defineOperators(napi_env env, napi_value exports) {
  define(env, exports, "operator", guarded<bindOperator>);
  define(env, exports, "schema", guarded<schemaOf>);
  define(env, exports, "call", callOperator<Results::kReturned>);
  define(env, exports, "callDropped", callOperator<Results::kDropped>);
  define(env, exports, "setRecorder", guarded<setRecorder>);
}

}  // namespace lapidary
