# cmake --install: the binary, its manual pages (docs/man/*.scd, made with scdoc where that is
# installed) and shell completions (cli/completions/).

install(TARGETS cip RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

file(GLOB man_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.scd)
find_program(SCDOC scdoc)
if(man_sources AND SCDOC)
	set(man_pages)
	foreach(source IN LISTS man_sources)
		cmake_path(GET source STEM LAST_ONLY page)
		string(REGEX MATCH "[0-9]$" section ${page})
		set(output ${PROJECT_BINARY_DIR}/generated/man/${page})
		add_custom_command(
			OUTPUT ${output}
			COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/generated/man
			COMMAND sh -c "scdoc < \"$1\" > \"$2\"" scdoc ${source} ${output}
			DEPENDS ${source}
			VERBATIM)
		install(FILES ${output} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
		list(APPEND man_pages ${output})
	endforeach()
	add_custom_target(cip_man ALL DEPENDS ${man_pages})
elseif(man_sources)
	message(STATUS "scdoc is not installed: no manual pages")
endif()

set(completions ${PROJECT_SOURCE_DIR}/cli/completions)
if(EXISTS ${completions}/cip.bash)
	install(FILES ${completions}/cip.bash RENAME cip
		DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
endif()
if(EXISTS ${completions}/_cip)
	install(FILES ${completions}/_cip DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
endif()
if(EXISTS ${completions}/cip.fish)
	install(FILES ${completions}/cip.fish
		DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
endif()
