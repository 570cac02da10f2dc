# Finds cuDNN by its header and library: target CUDNN::cudnn, variables CUDNN_FOUND and CUDNN_VERSION. It may lie in the
# CUDA toolkit, in the system's folders, in CUDNN_ROOT (a variable of CMake or of the environment), or in one of Python's
# packages nvidia-cudnn-cuNN.
include(${CMAKE_CURRENT_LIST_DIR}/NvidiaPython.cmake)
set(_cudnn_hints ${CUDAToolkit_LIBRARY_ROOT} ${CUDAToolkit_BIN_DIR}/.. /usr/local/cuda ${NVIDIA_PYTHON_FOLDERS})
find_path(CUDNN_INCLUDE_DIR cudnn_version.h HINTS ${_cudnn_hints} PATH_SUFFIXES include)
# Python's packages carry no libcudnn.so, only the library by its full name.
find_library(CUDNN_LIBRARY NAMES cudnn libcudnn.so.9 HINTS ${_cudnn_hints} PATH_SUFFIXES lib64 lib)
mark_as_advanced(CUDNN_INCLUDE_DIR CUDNN_LIBRARY)

if(CUDNN_INCLUDE_DIR)
  file(STRINGS ${CUDNN_INCLUDE_DIR}/cudnn_version.h _cudnn_lines REGEX "#define CUDNN_(MAJOR|MINOR|PATCHLEVEL) ")
  string(REGEX REPLACE "[^0-9]*([0-9]+)" "\\1." CUDNN_VERSION "${_cudnn_lines}")
  string(REGEX MATCH "^[0-9]+\\.[0-9]+\\.[0-9]+" CUDNN_VERSION "${CUDNN_VERSION}")
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CUDNN REQUIRED_VARS CUDNN_LIBRARY CUDNN_INCLUDE_DIR VERSION_VAR CUDNN_VERSION)
if(CUDNN_FOUND AND NOT TARGET CUDNN::cudnn)
  add_library(CUDNN::cudnn UNKNOWN IMPORTED)
  set_target_properties(CUDNN::cudnn PROPERTIES IMPORTED_LOCATION "${CUDNN_LIBRARY}"
                                                INTERFACE_INCLUDE_DIRECTORIES "${CUDNN_INCLUDE_DIR}")
endif()
