# Finds cuDNN by its header and library: target CUDNN::cudnn, variables CUDNN_FOUND and CUDNN_VERSION. It may lie in the CUDA toolkit, in
# the system's folders, in CUDNN_ROOT (a CMake or environment variable), or in one of Python's packages nvidia-cudnn-cuNN.
set(_cudnn_hints ${CUDAToolkit_LIBRARY_ROOT} ${CUDAToolkit_TARGET_DIR} ${CUDAToolkit_BIN_DIR}/.. /usr/local/cuda)
file(GLOB _cudnn_python /usr/lib/python3*/*-packages/nvidia/cudnn /usr/local/lib/python3*/*-packages/nvidia/cudnn
     /opt/*/lib/python3*/site-packages/nvidia/cudnn $ENV{VIRTUAL_ENV}/lib/python3*/site-packages/nvidia/cudnn
     $ENV{HOME}/.local/lib/python3*/site-packages/nvidia/cudnn)
find_path(CUDNN_INCLUDE_DIR cudnn_version.h HINTS ${_cudnn_hints} ${_cudnn_python} PATH_SUFFIXES include)
# Python's packages carry no libcudnn.so, only the library by its full name.
find_library(CUDNN_LIBRARY NAMES cudnn libcudnn.so.9 HINTS ${_cudnn_hints} ${_cudnn_python}
             PATH_SUFFIXES lib64 lib lib/x86_64-linux-gnu)
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
