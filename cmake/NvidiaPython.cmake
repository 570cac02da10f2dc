# NVIDIA_PYTHON_FOLDERS: the folders, each with include/ and lib/, of NVIDIA's libraries that Python's packages bring
# (nvidia-cudnn-cu13, nvidia-cublas and the like), of the active environment and of the system.
find_program(NVIDIA_PYTHON python3)
mark_as_advanced(NVIDIA_PYTHON)
set(NVIDIA_PYTHON_FOLDERS)
if(NVIDIA_PYTHON)
  execute_process(COMMAND ${NVIDIA_PYTHON} -c "import sys; print(';'.join(path for path in sys.path if path))"
                  OUTPUT_VARIABLE _python_paths OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  foreach(_path ${_python_paths})
    file(GLOB _folders ${_path}/nvidia/*)
    list(APPEND NVIDIA_PYTHON_FOLDERS ${_folders})
  endforeach()
endif()
