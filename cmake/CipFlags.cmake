# One set of flags for every target: language, warnings, hardening, sanitizers.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# NDEBUG is not set: what was tested is what is shipped.
set(CMAKE_C_FLAGS_RELEASE "-O2")
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g")
set(CMAKE_C_FLAGS_DEBUG "-Og -g")

add_compile_definitions(_GNU_SOURCE _FILE_OFFSET_BITS=64)
include_directories(${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/generated)
link_libraries(Threads::Threads)

add_compile_options(
	-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 -Wundef
	-Wpointer-arith -Wcast-qual -Wwrite-strings)
if(CIP_WERROR)
	add_compile_options(-Werror)
endif()

add_compile_options(-fPIE -ffunction-sections -fdata-sections)
add_link_options(-pie)

if(CIP_SANITIZE STREQUAL "")
	add_compile_options(-fstack-protector-strong)
	if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
		add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
	endif()
	add_link_options(LINKER:-z,relro,-z,now LINKER:--as-needed)
elseif(CIP_SANITIZE STREQUAL "address")
	set(sanitizer -fsanitize=address,undefined -fno-sanitize-recover=undefined)
elseif(CIP_SANITIZE STREQUAL "thread")
	set(sanitizer -fsanitize=thread)
else()
	message(FATAL_ERROR "CIP_SANITIZE is '${CIP_SANITIZE}'; use address, thread or nothing")
endif()
if(sanitizer)
	add_compile_options(${sanitizer} -fno-omit-frame-pointer -g)
	add_link_options(${sanitizer})
	# Two hundred programs: GNU ld takes four times as long. Not on every distribution.
	include(CheckLinkerFlag)
	check_linker_flag(C -fuse-ld=gold CIP_HAVE_GOLD)
	if(CIP_HAVE_GOLD)
		add_link_options(-fuse-ld=gold)
	endif()
endif()

if(CIP_FUZZ)
	if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
		message(FATAL_ERROR "CIP_FUZZ needs clang: configure with -DCMAKE_C_COMPILER=clang")
	endif()
	# Coverage feedback everywhere; the main function of libFuzzer only in the fuzz targets.
	add_compile_options(-fsanitize=fuzzer-no-link)
	add_link_options(-fsanitize=fuzzer-no-link)
endif()
