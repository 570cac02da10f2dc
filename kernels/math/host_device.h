// Marks the functions that both the CPU's and the GPU's kernels call.
#pragma once

#include "tensor/host_device.h"
