# llama-cpp-python compiles llama.cpp's command-line helpers beside the library; Jackfield calls only the library.
# A normal variable set here stands above the cache entry that the package forces (CMake policy CMP0126).
set(LLAMA_BUILD_COMMON OFF)
