# Compiler, linker and the third-party packages, once for the whole tree.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)

find_program(ACT_CCACHE ccache)
if(ACT_CCACHE)
    # Relative paths and no directory in the hash: every preset and clone shares the cache.
    set(CMAKE_CXX_COMPILER_LAUNCHER
        ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${ACT_CCACHE})
endif()

find_program(ACT_MOLD mold)
if(ACT_MOLD)
    add_link_options(-fuse-ld=mold)
endif()

add_compile_options(-Wall -Wextra -Wpedantic -Wnon-virtual-dtor -fno-math-errno)
# Those who include our headers need the same.
set(act_definitions
    BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_VISIBILITY BOOST_ERROR_CODE_HEADER_ONLY FMT_HEADER_ONLY=1
    BOOST_ALL_NO_LIB)
add_compile_definitions(${act_definitions})

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)

if(ACT_STATIC)
    set(OPENSSL_USE_STATIC_LIBS ON)
    set(Boost_USE_STATIC_LIBS ON)
endif()
find_package(OpenSSL 3 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS json)

# Debian ships both forms of these under their plain names; the static one is chosen for the static build.
function(act_find_library target header name)
    if(ACT_STATIC)
        find_library(${target}_path lib${name}.a REQUIRED)
    else()
        find_library(${target}_path ${name} REQUIRED)
    endif()
    find_path(${target}_include ${header} REQUIRED)
    add_library(${target} INTERFACE IMPORTED GLOBAL)
    target_link_libraries(${target} INTERFACE ${${target}_path})
    target_include_directories(${target} INTERFACE ${${target}_include})
endfunction()
act_find_library(dep::deflate libdeflate.h deflate)
# Of headers alone.
find_path(flatbuffers_include flatbuffers/flatbuffers.h REQUIRED)
add_library(dep::flatbuffers INTERFACE IMPORTED GLOBAL)
target_include_directories(dep::flatbuffers INTERFACE ${flatbuffers_include})
act_find_library(dep::yaml yaml-cpp/yaml.h yaml-cpp)
act_find_library(dep::lmdb lmdb.h lmdb)
