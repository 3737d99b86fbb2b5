# generated/cip_version.h: CIP_VERSION ("0.1.0") and CIP_COMMIT ("1a2b3c4d5e6f", with "-dirty" for a
# changed tree, "unknown" outside a Git checkout). Looked at on every build, rewritten only when
# different. The same file is the script that the build runs.

if(CMAKE_SCRIPT_MODE_FILE)
	cmake_minimum_required(VERSION 3.25)
	set(commit)
	execute_process(
		COMMAND git describe --always --dirty --abbrev=12 --exclude=*
		WORKING_DIRECTORY ${SOURCE_DIR}
		OUTPUT_VARIABLE commit
		OUTPUT_STRIP_TRAILING_WHITESPACE
		RESULT_VARIABLE ignored
		ERROR_QUIET)
	if(commit STREQUAL "")
		set(commit unknown)
	endif()
	file(CONFIGURE OUTPUT ${OUTPUT} CONTENT
"#ifndef CIP_VERSION_H
#define CIP_VERSION_H

#define CIP_VERSION \"@VERSION@\"
#define CIP_COMMIT \"@commit@\"

#endif
" @ONLY)
	return()
endif()

set(version_command
	${CMAKE_COMMAND} -DVERSION=${PROJECT_VERSION} -DSOURCE_DIR=${PROJECT_SOURCE_DIR}
	-DOUTPUT=${PROJECT_BINARY_DIR}/generated/cip_version.h -P ${CMAKE_CURRENT_LIST_FILE})
execute_process(COMMAND ${version_command} COMMAND_ERROR_IS_FATAL ANY)
add_custom_target(cip_version_header COMMAND ${version_command} VERBATIM)
