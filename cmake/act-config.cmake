# find_package(act REQUIRED), then target_link_libraries(app PRIVATE act::transfer).
include(CMakeFindDependencyMacro)
set(THREADS_PREFER_PTHREAD_FLAG ON)
find_dependency(Threads)
find_dependency(OpenSSL 3)
find_dependency(ZLIB)
find_dependency(Boost 1.81 COMPONENTS json)

if(NOT TARGET dep::deflate)
    find_library(act_deflate deflate REQUIRED)
    add_library(dep::deflate INTERFACE IMPORTED)
    target_link_libraries(dep::deflate INTERFACE ${act_deflate})
endif()
# Of headers that only act's own sources need.
if(NOT TARGET dep::flatbuffers)
    add_library(dep::flatbuffers INTERFACE IMPORTED)
endif()

include(${CMAKE_CURRENT_LIST_DIR}/act-targets.cmake)
