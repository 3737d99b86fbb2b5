# cmake --install: the binary, and what it prints about itself: manual page and shell completions.

install(TARGETS cip RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

if((CMAKE_CROSSCOMPILING AND NOT CMAKE_CROSSCOMPILING_EMULATOR) OR NOT CIP_SANITIZE STREQUAL "")
	return()
endif()

# cip_install_output(<file in generated/> <installed as> <directory> <arguments of cip ...>)
function(cip_install_output file name directory)
	set(output ${PROJECT_BINARY_DIR}/generated/${file})
	add_custom_command(
		OUTPUT ${output}
		COMMAND sh -c "output=$1 && shift && \"$@\" >\"$output\"" sh ${output}
			${CMAKE_CROSSCOMPILING_EMULATOR} $<TARGET_FILE:cip> ${ARGN}
		DEPENDS cip
		VERBATIM)
	install(FILES ${output} RENAME ${name} DESTINATION ${directory})
	set_property(GLOBAL APPEND PROPERTY CIP_INSTALLED_OUTPUT ${output})
endfunction()

cip_install_output(cip.1 cip.1 ${CMAKE_INSTALL_MANDIR}/man1 help --man)
cip_install_output(cip.bash cip ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
	help --completion=bash)
cip_install_output(_cip _cip ${CMAKE_INSTALL_DATADIR}/zsh/site-functions help --completion=zsh)
cip_install_output(cip.fish cip.fish ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
	help --completion=fish)
get_property(outputs GLOBAL PROPERTY CIP_INSTALLED_OUTPUT)
add_custom_target(cip_words ALL DEPENDS ${outputs})
