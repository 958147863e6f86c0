#include "transfers.h"

#include <dlfcn.h>

#if defined(__APPLE__)
#define LIBRARY "libcurl.4.dylib"
#else
#define LIBRARY "libcurl.so.4"
#endif

struct ledger_curl_functions ledger_curl;

bool ledger_curl_start(void) {
  void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return false;
#define FIND(name)                                                    \
  ledger_curl.name = (__typeof__(&curl_##name))dlsym(library, "curl_" #name); \
  if (ledger_curl.name == NULL) return false;
  LEDGER_CURL_FUNCTIONS(FIND)
  return ledger_curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}
