# One INTERFACE target holds every flag; nothing touches CMAKE_C_FLAGS.
add_library(build_flags INTERFACE)
target_include_directories(build_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(build_flags INTERFACE
    _XOPEN_SOURCE=700 # POSIX.1-2008 with XSI: realpath
    LAKESEG_VERSION="${PROJECT_VERSION}")
target_compile_options(build_flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
    -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes
    -Wold-style-definition -Wpointer-arith -Wcast-qual -Wcast-align
    -Wwrite-strings -Wvla -Wundef -Wnull-dereference -Wimplicit-fallthrough
    -Wswitch-enum -Wdouble-promotion
    $<$<C_COMPILER_ID:GNU>:-Wduplicated-cond;-Wduplicated-branches;-Wlogical-op;-Wformat-signedness>
    $<$<BOOL:${LAKESEG_WERROR}>:-Werror>)

if(LAKESEG_SANITIZE)
    set(sanitize -fsanitize=${LAKESEG_SANITIZE} -fno-sanitize-recover=all
        -fno-omit-frame-pointer)
    target_compile_options(build_flags INTERFACE ${sanitize})
    target_link_options(build_flags INTERFACE ${sanitize})
elseif(LAKESEG_COVERAGE)
    target_compile_options(build_flags INTERFACE --coverage)
    target_link_options(build_flags INTERFACE --coverage)
else()
    target_compile_options(build_flags INTERFACE
        -fstack-protector-strong -fstack-clash-protection
        $<$<CONFIG:Release,RelWithDebInfo>:-D_FORTIFY_SOURCE=2>)
    target_link_options(build_flags INTERFACE -pie -Wl,-z,relro,-z,now)
endif()

# add_layer(name DEPENDS libs... SOURCES files...): one static library per
# folder; its link line is the rule of who may use whom.
function(add_layer name)
    cmake_parse_arguments(L "" "" "DEPENDS;PRIVATE;SOURCES" ${ARGN})
    add_library(${name} STATIC ${L_SOURCES})
    target_link_libraries(${name} PUBLIC build_flags ${L_DEPENDS}
        PRIVATE ${L_PRIVATE})
endfunction()

# embed_text(out file name): sets out to a C file that has the text file as the
# string name; made at build time.
function(embed_text out file name)
    set(made ${CMAKE_CURRENT_BINARY_DIR}/${name}.c)
    add_custom_command(OUTPUT ${made}
        COMMAND ${CMAKE_COMMAND} -DIN=${file} -DOUT=${made} -DNAME=${name}
            -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
        DEPENDS ${file} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
    set(${out} ${made} PARENT_SCOPE)
endfunction()
