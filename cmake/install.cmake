# `cmake --install build/release --prefix P`: the program, the libraries up to transfer/, their headers, and a package
# for find_package(act). All of it is built by the target `act`.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(act_package ${CMAKE_INSTALL_LIBDIR}/cmake/act)
get_property(act_exported GLOBAL PROPERTY act_exported)
install(TARGETS act RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS ${act_exported} transfer EXPORT act ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}/act)
install(EXPORT act NAMESPACE act:: FILE act-targets.cmake DESTINATION ${act_package})
install(DIRECTORY engine transfer DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/act FILES_MATCHING PATTERN "*.hpp")
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/act)

# Nothing is promised from one version to the next, so none stands for another.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/act-config-version.cmake COMPATIBILITY ExactVersion)
install(FILES cmake/act-config.cmake ${CMAKE_BINARY_DIR}/act-config-version.cmake DESTINATION ${act_package})
