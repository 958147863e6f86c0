#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Puts the process into the state that the rest of the program relies on; `main` calls it first.
///
/// - A reader of our output who goes away (SIGPIPE) and a limit on the size of files (SIGXFSZ)
///   become errors of the write, EPIPE and EFBIG, instead of the end of the process.
/// - Standard streams that the caller has closed are filled with something that refuses their use.
///   Otherwise the next file to be opened would get the number of standard error, and a message
///   would be written into the ledger.
package func prepareProcess() {
  signal(SIGPIPE, SIG_IGN)
  signal(SIGXFSZ, SIG_IGN)
  for number: Int32 in 0...2 where fcntl(number, F_GETFD) == -1 {
    // The lowest free number is given, which is `number`; its direction is the wrong one.
    _ = unsafe open("/dev/null", number == 0 ? O_WRONLY : O_RDONLY)
  }
}

/// Ends the process at once with an exit code.
package func exitProcess(_ code: Int32) -> Never { exit(code) }
