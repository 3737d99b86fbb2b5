# How tests are registered. Every test runs through tests/run-test, which fails it when a sanitizer
# wrote a report, whatever the program's exit code was.
#
#   cip_unit_test(<room> <file> [libraries or extra sources ...])
#       tests/unit/<room>/test_<file>.c, linked with cip_<room> and Criterion.
#   cip_thread_test(<name> <libraries ...>)
#       tests/threads/<name>.c, a plain program (0 = passed) that also runs under ThreadSanitizer.
#   cip_fuzz_target(<name> <libraries ...>)
#       tests/fuzz/fuzz_<name>.c over tests/fuzz/corpus/<name>/. Always built as a replay of the
#       corpus; with CIP_FUZZ also as the libFuzzer program fuzz_<name>.
#   cip_integration_test(<name> [TIMEOUT seconds])
#       tests/integration/<name>.sh with CIP (the binary), CIP_FAKE_REGISTRY, CIP_TOKEN_SERVER,
#       CIP_GOOGLE_API and CIP_FAKE_SIGSTORE in its environment. The
#       time limit (default 120) is four times as long under a sanitizer. Begun before other tests, the longest limit
#       first, so that no long test is alone at the end.
#   cip_interop_test(<peer> <name>)
#       tests/integration/<name>.sh over a registry of others (tests/interop/over), which tools/install-peers builds;
#       skipped, and says so, where that has not been run.
#
# In the environment of every test: CIP_SOURCE_DIR, CIP_SANITIZE; and CIP_TEST_FULL=1 for
# `tools/test --full`, where suites that take minutes run in full.
#
# A test whose room is not part of this build (CIP_ROOMS) is left out.

set(CIP_RUN_TEST ${PROJECT_SOURCE_DIR}/tests/run-test)
add_custom_target(fuzzers)

# The environment that every test gets.
set(CIP_TEST_ENVIRONMENT "CIP_SOURCE_DIR=${PROJECT_SOURCE_DIR}" "CIP_SANITIZE=${CIP_SANITIZE}")

function(cip_libraries_present ret_present)
	set(${ret_present} TRUE PARENT_SCOPE)
	foreach(item IN LISTS ARGN)
		if(item MATCHES "^cip_(.+)$" AND CMAKE_MATCH_1 IN_LIST CIP_ALL_ROOMS AND NOT TARGET ${item})
			set(${ret_present} FALSE PARENT_SCOPE)
		endif()
	endforeach()
endfunction()

# Splits extra arguments into sources (*.c) and libraries and gives them to the target.
function(cip_target_extras target)
	foreach(item IN LISTS ARGN)
		if(item MATCHES "\\.c$")
			target_sources(${target} PRIVATE ${item})
		else()
			target_link_libraries(${target} PRIVATE ${item})
		endif()
	endforeach()
endfunction()

function(cip_unit_test room file)
	cip_libraries_present(present cip_${room} ${ARGN})
	# Criterion does not start under ThreadSanitizer.
	if(NOT present OR CIP_SANITIZE STREQUAL "thread")
		return()
	endif()
	set(target test_${room}_${file})
	add_executable(${target} ${PROJECT_SOURCE_DIR}/tests/unit/${room}/test_${file}.c)
	# Extras first: static archives are searched in this order.
	cip_target_extras(${target} ${ARGN})
	target_link_libraries(${target} PRIVATE cip_${room} PkgConfig::CRITERION)
	add_test(NAME unit/${room}/${file} COMMAND ${CIP_RUN_TEST} $<TARGET_FILE:${target}>)
	set_tests_properties(unit/${room}/${file} PROPERTIES
		LABELS unit TIMEOUT 120 FAIL_REGULAR_EXPRESSION "Tested: 0 "
		ENVIRONMENT "${CIP_TEST_ENVIRONMENT}")
endfunction()

function(cip_thread_test name)
	cip_libraries_present(present ${ARGN})
	if(NOT present)
		return()
	endif()
	set(target thread_${name})
	add_executable(${target} ${PROJECT_SOURCE_DIR}/tests/threads/${name}.c)
	cip_target_extras(${target} ${ARGN})
	add_test(NAME threads/${name} COMMAND ${CIP_RUN_TEST} $<TARGET_FILE:${target}>)
	set_tests_properties(threads/${name} PROPERTIES
		LABELS threads TIMEOUT 120 ENVIRONMENT "${CIP_TEST_ENVIRONMENT}")
endfunction()

function(cip_fuzz_target name)
	cip_libraries_present(present ${ARGN})
	if(NOT present)
		return()
	endif()
	set(source ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_${name}.c)
	set(corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})

	set(target replay_${name})
	add_executable(${target} ${source} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
	cip_target_extras(${target} ${ARGN})
	add_test(NAME fuzz/${name} COMMAND ${CIP_RUN_TEST} $<TARGET_FILE:${target}> ${corpus})
	set_tests_properties(fuzz/${name} PROPERTIES
		LABELS fuzz TIMEOUT 60 ENVIRONMENT "${CIP_TEST_ENVIRONMENT}")

	if(CIP_FUZZ)
		add_executable(fuzz_${name} ${source})
		add_dependencies(fuzzers fuzz_${name})
		cip_target_extras(fuzz_${name} ${ARGN})
		target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
		set_target_properties(fuzz_${name} PROPERTIES
			RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzzers)
	endif()
endfunction()

# The environment of tests that run the binary.
function(cip_program_environment ret_environment)
	set(environment ${CIP_TEST_ENVIRONMENT} "CIP=$<TARGET_FILE:cip>")
	if(TARGET fake_registry)
		list(APPEND environment "CIP_FAKE_REGISTRY=$<TARGET_FILE:fake_registry>")
	endif()
	if(TARGET token_server)
		list(APPEND environment "CIP_TOKEN_SERVER=$<TARGET_FILE:token_server>")
		list(APPEND environment "CIP_GOOGLE_API=$<TARGET_FILE:google_server>")
	endif()
	if(TARGET cip)
		list(APPEND environment "CIP_CONVERGE=${PROJECT_BINARY_DIR}/tests/integration/converge")
	endif()
	if(TARGET cip_fake_sigstore)
		list(APPEND environment "CIP_FAKE_SIGSTORE=$<TARGET_FILE:cip_fake_sigstore>")
	endif()
	set(${ret_environment} "${environment}" PARENT_SCOPE)
endfunction()

function(cip_integration_test name)
	cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "")
	if(NOT TARGET cip)
		return()
	endif()
	if(NOT arg_TIMEOUT)
		set(arg_TIMEOUT 120)
	endif()
	set(cost ${arg_TIMEOUT})
	if(CIP_SANITIZE)
		math(EXPR arg_TIMEOUT "${arg_TIMEOUT} * 4")
	endif()
	cip_program_environment(environment)
	add_test(NAME integration/${name}
		COMMAND ${CIP_RUN_TEST} ${PROJECT_SOURCE_DIR}/tests/integration/${name}.sh)
	set_tests_properties(integration/${name} PROPERTIES
		LABELS integration TIMEOUT ${arg_TIMEOUT} COST ${cost} ENVIRONMENT "${environment}")
endfunction()

function(cip_interop_test peer name)
	if(NOT TARGET cip)
		return()
	endif()
	cip_program_environment(environment)
	add_test(NAME interop/${peer}/${name}
		COMMAND ${CIP_RUN_TEST} ${PROJECT_SOURCE_DIR}/tests/interop/over ${peer}
			${PROJECT_SOURCE_DIR}/tests/integration/${name}.sh)
	set_tests_properties(interop/${peer}/${name} PROPERTIES
		LABELS interop TIMEOUT 600 SKIP_RETURN_CODE 77 ENVIRONMENT "${environment}")
endfunction()
