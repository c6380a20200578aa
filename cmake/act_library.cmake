# act_library(engine/http SOURCES a.cpp b.cpp LINK engine/async PRIVATE OpenSSL::SSL)
#
# Makes the library of one folder. Its public include directory holds one symbolic link, to that folder, so that a
# source sees the headers of its own folder and of those it links, and an include that looks up the house does not
# compile. LINK names folders (public), USE names third-party targets (public), PRIVATE those only its sources see.
function(act_library folder)
    cmake_parse_arguments(arg "" "" "SOURCES;LINK;USE;PRIVATE" ${ARGN})
    string(REPLACE "/" "_" name ${folder})
    set(include_root ${CMAKE_SOURCE_DIR}/build/include/${name})
    get_filename_component(parent ${folder} DIRECTORY)
    file(MAKE_DIRECTORY ${include_root}/${parent})
    if(NOT EXISTS ${include_root}/${folder})
        file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${folder} ${include_root}/${folder} SYMBOLIC)
    endif()

    list(TRANSFORM arg_SOURCES PREPEND ${CMAKE_SOURCE_DIR}/${folder}/)
    list(TRANSFORM arg_LINK REPLACE "/" "_")
    if(arg_SOURCES)
        add_library(${name} STATIC ${arg_SOURCES})
        target_include_directories(${name} PUBLIC $<BUILD_INTERFACE:${include_root}>)
        target_link_libraries(${name} PUBLIC ${arg_LINK} ${arg_USE} PRIVATE ${arg_PRIVATE})
    else()
        add_library(${name} INTERFACE)
        target_include_directories(${name} INTERFACE $<BUILD_INTERFACE:${include_root}>)
        target_link_libraries(${name} INTERFACE ${arg_LINK} ${arg_USE})
    endif()

    # Other projects get what stands below submit/ (cmake/install.cmake), all with one include directory.
    if(folder MATCHES "^(engine|transfer)/")
        set_property(GLOBAL APPEND PROPERTY act_exported ${name})
        target_include_directories(${name} INTERFACE $<INSTALL_INTERFACE:include/act>)
        target_compile_features(${name} INTERFACE cxx_std_20)
        target_compile_definitions(${name} INTERFACE "$<INSTALL_INTERFACE:${act_definitions}>")
    endif()
endfunction()

# act_test(codec_test SOURCES x_test.cpp LINK engine/codec): one GoogleTest binary, its cases known to ctest.
function(act_test name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINK;USE" ${ARGN})
    list(TRANSFORM arg_LINK REPLACE "/" "_")
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE ${arg_LINK} ${arg_USE} GTest::gmock_main)
    gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT 120)
endfunction()
