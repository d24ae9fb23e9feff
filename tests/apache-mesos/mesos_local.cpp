// Starts the local cluster, master and agents in one process, that Mesos's native library holds.
// Declares what it calls by exported name and calling convention; no header of Mesos is needed.
#include <cstdlib>
#include <string>
#include <signal.h>
#include <unistd.h>

template <typename T> struct Opt {           // laid out as stout's Option<T>
  int state;                                 // 0 = SOME, 1 = NONE
  union { T t; };
  Opt() : state(1) {}
  explicit Opt(const T& v) : state(0), t(v) {}
  ~Opt() { if (state == 0) t.~T(); }
};
#define SYM(x) __asm__(x)
extern "C" {
void local_flags_ctor(void*) SYM("_ZN5mesos8internal5local5FlagsC1Ev");
void* flags_load(void* ret, void* self, const Opt<std::string>*, int, const char* const*, bool, bool)
    SYM("_ZN5flags9FlagsBase4loadERK6OptionINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEEiPKPKcbb");
void* local_launch(void* ret, const void* flags, void* allocator)
    SYM("_ZN5mesos8internal5local6launchERKNS1_5FlagsEPNS_9allocator9AllocatorE");
bool process_initialize(const Opt<std::string>*, const Opt<std::string>*, const Opt<std::string>*)
    SYM("_ZN7process10initializeERK6OptionINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEES9_S9_");
void version_ctor(void*) SYM("_ZN5mesos8internal14VersionProcessC1Ev");
void* process_spawn(void* ret, void* p, bool manage) SYM("_ZN7process5spawnEPNS_11ProcessBaseEb");
}
int main(int argc, char** argv) {
  signal(SIGPIPE, SIG_IGN);
  static char flags[1 << 16], ret[1 << 12], pid[1 << 12], version_pid[1 << 12];  // more than the objects take
  local_flags_ctor(flags);
  // FlagsBase is the second virtual base of local::Flags: its offset is the vtable's fourth slot from the end.
  void* base = flags + (*(long**)flags)[-4];
  Opt<std::string> prefix(std::string("MESOS_")), none, delegate(std::string("master"));
  flags_load(ret, base, &prefix, argc, argv, true, false);
  process_initialize(&delegate, &none, &none);
  void* v = calloc(1, 1 << 14);
  version_ctor(v);
  // VersionProcess derives virtually from ProcessBase: offset-to-base sits in its vtable.
  process_spawn(version_pid, (char*)v + (*(long**)v)[-3], true);
  local_launch(pid, flags, nullptr);
  for (;;) pause();
}
