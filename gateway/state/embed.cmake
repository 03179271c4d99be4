# cmake -DIN=dunlin.lua -DOUT=dunlin_lua.c -P embed.cmake: the library's text as a C array.
# FORMAT and REVISION are said once, in the text.
file(READ ${IN} text)
if(NOT text MATCHES "local FORMAT, REVISION = ([0-9]+), ([0-9]+)")
  message(FATAL_ERROR "${IN}: no line 'local FORMAT, REVISION = ..., ...'")
endif()
set(format ${CMAKE_MATCH_1})
set(revision ${CMAKE_MATCH_2})
file(READ ${IN} hex HEX)
string(REGEX REPLACE "(................................)" "\\1\n" hex "${hex}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," hex "${hex}")
file(WRITE ${OUT} "/* made from dunlin.lua by embed.cmake */
#include \"gateway/state/function.h\"

const unsigned char dunlin_lua[] = {
${hex}};
const size_t dunlin_lua_bytes = sizeof dunlin_lua;
const int dunlin_lua_format = ${format};
const int dunlin_lua_revision = ${revision};
")
