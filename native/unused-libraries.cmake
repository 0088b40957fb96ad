# Debian's libtorch names the libraries of OpenCV and FFmpeg and uses nothing of them. Loading them, with the 200 that they
# need, is half of what it takes to start. Empty libraries of the same names stand before them, where alone this addon
# looks first: docs/decisions/0023-libraries-not-loaded.md.
set(UNUSED ${CMAKE_BINARY_DIR}/unused)
file(MAKE_DIRECTORY ${UNUSED})
find_library(TORCH_CPU torch_cpu REQUIRED)
# Only what the loader itself says is not used: without a symbol that is, nothing would start.
execute_process(COMMAND ldd -u ${TORCH_CPU} OUTPUT_VARIABLE told ERROR_QUIET)
string(REGEX MATCHALL "lib(opencv_[a-z0-9_]+|av[a-z]+|sw[a-z]+)\\.so\\.[0-9]+" names "${told}")
foreach(name ${names})
  execute_process(
    COMMAND ${CMAKE_CXX_COMPILER} -shared -nostdlib -x c++ /dev/null -Wl,-soname,${name} -o ${UNUSED}/${name}
    COMMAND_ERROR_IS_FATAL ANY)
endforeach()
# The older of the two tags of a search path: it holds for what libtorch needs too.
set_target_properties(lapidary PROPERTIES BUILD_RPATH "$ORIGIN/unused")
target_link_options(lapidary PRIVATE -Wl,--disable-new-dtags)
