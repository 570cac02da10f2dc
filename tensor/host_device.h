// Marks the functions that both the CPU's and the GPU's kernels call.
#pragma once

#ifdef __CUDACC__
#define GW_HOST_DEVICE __host__ __device__
#else
#define GW_HOST_DEVICE
#endif
