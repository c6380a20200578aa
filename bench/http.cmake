# Included by bench/CMakeLists.txt.
add_executable(http_bench ${CMAKE_CURRENT_LIST_DIR}/http_bench.cpp)
target_link_libraries(http_bench PRIVATE engine_http)
