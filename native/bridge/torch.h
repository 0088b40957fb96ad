// Precompiled: everything of libtorch and Node that the bridge uses.
#pragma once
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <node_api.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/library.h>
#include <torch/version.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>
