# The library's CUDA side: built by nvcc for a GPU (GROUNDWORK_WITH_CUDA), or from the same .cu files by the C++ compiler
# for the emulator (GROUNDWORK_EMULATE_CUDA), or left out.
if(GROUNDWORK_WITH_CUDA AND GROUNDWORK_EMULATE_CUDA)
  message(FATAL_ERROR "GROUNDWORK_WITH_CUDA and GROUNDWORK_EMULATE_CUDA exclude each other")
endif()

if(NOT GROUNDWORK_WITH_CUDA AND NOT GROUNDWORK_EMULATE_CUDA)
  target_sources(groundwork PRIVATE tensor/no_cuda.cpp)
  target_compile_definitions(groundwork PUBLIC $<BUILD_INTERFACE:GROUNDWORK_CUDA=0>)
  return()
endif()

file(GLOB GROUNDWORK_KERNELS CONFIGURE_DEPENDS kernels/cuda/*.cu)
target_sources(groundwork PRIVATE tensor/cuda_runtime.cpp tensor/cuda_allocator.cpp tensor/cuda_graph.cpp
                                  ${GROUNDWORK_KERNELS})
target_compile_definitions(groundwork PUBLIC $<BUILD_INTERFACE:GROUNDWORK_CUDA=1>)

if(GROUNDWORK_EMULATE_CUDA)
  find_package(Boost REQUIRED COMPONENTS context)
  file(GLOB EMULATOR_SOURCES CONFIGURE_DEPENDS kernels/cuda/emulator/*.cpp)
  target_sources(groundwork PRIVATE ${EMULATOR_SOURCES})
  target_include_directories(groundwork PUBLIC
                             $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/kernels/cuda/emulator/include>)
  target_link_libraries(groundwork PUBLIC Boost::context)
  target_compile_definitions(groundwork PUBLIC $<BUILD_INTERFACE:GROUNDWORK_EMULATE_CUDA=1>)
  set_source_files_properties(${GROUNDWORK_KERNELS} PROPERTIES LANGUAGE CXX
                              COMPILE_OPTIONS "-x;c++;-Wno-unknown-pragmas")
  return()
endif()

# Hopper's own code, and PTX that the driver compiles for other GPUs from Ampere on.
set(GROUNDWORK_CUDA_ARCHITECTURES "80-virtual;90-real" CACHE STRING "GPU architectures to build for")
set(CMAKE_CUDA_ARCHITECTURES ${GROUNDWORK_CUDA_ARCHITECTURES})
find_program(GROUNDWORK_NVCC nvcc HINTS $ENV{CUDA_HOME}/bin $ENV{CUDA_PATH}/bin /usr/local/cuda/bin)
mark_as_advanced(GROUNDWORK_NVCC)
if(NOT CMAKE_CUDA_COMPILER AND NOT DEFINED ENV{CUDACXX} AND GROUNDWORK_NVCC)
  set(CMAKE_CUDA_COMPILER ${GROUNDWORK_NVCC})
endif()
enable_language(CUDA)
if(NOT DEFINED CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # CMake 3.25 does not know that nvcc does C++20 from version 12 on
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
  set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
endif()
set_target_properties(groundwork PROPERTIES CUDA_ARCHITECTURES "${GROUNDWORK_CUDA_ARCHITECTURES}")
find_package(CUDAToolkit 12.0 REQUIRED)
find_package(CUDNN 9 REQUIRED)
if(NOT TARGET CUDA::cublasLt)
  include(NvidiaPython)
  find_library(CUBLASLT_LIBRARY NAMES cublasLt libcublasLt.so.13 libcublasLt.so.12 HINTS ${NVIDIA_PYTHON_FOLDERS}
               PATH_SUFFIXES lib REQUIRED)
  find_path(CUBLASLT_INCLUDE_DIR cublasLt.h HINTS ${NVIDIA_PYTHON_FOLDERS} PATH_SUFFIXES include REQUIRED)
  add_library(CUDA::cublasLt UNKNOWN IMPORTED)
  set_target_properties(CUDA::cublasLt PROPERTIES IMPORTED_LOCATION "${CUBLASLT_LIBRARY}"
                                                  INTERFACE_INCLUDE_DIRECTORIES "${CUBLASLT_INCLUDE_DIR}")
endif()
target_sources(groundwork PRIVATE kernels/cuda/cudnn_conv.cpp kernels/cuda/cublas_matmul.cpp)
target_link_libraries(groundwork PUBLIC CUDA::cudart_static CUDA::cublasLt CUDNN::cudnn)
set_source_files_properties(${GROUNDWORK_KERNELS} PROPERTIES COMPILE_OPTIONS
                            "--expt-relaxed-constexpr;-Werror;all-warnings;-Xcompiler=-Wall,-Wextra,-Werror")
