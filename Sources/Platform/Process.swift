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

/// Ends the process with an exit code; nothing that isn't flushed is written any more.
package func exitProcess(_ code: Int32) -> Never { exit(code) }

/// The arguments after the program's name.
///
/// - Throws: `.argumentNotText` rather than to record a repaired text that nobody typed;
///   `.argumentsNotFound` rather than to do what is done where there are none.
package func programArguments() throws(PlatformError) -> [String] {
  // On Linux Swift looks for them where `/proc/self/maps` says that the stack is.
  guard CommandLine.argc > 0 else { throw .argumentsNotFound }
  var arguments: [String] = []
  for position in 1..<max(1, Int(CommandLine.argc)) {
    guard let bytes = unsafe CommandLine.unsafeArgv[position] else { break }
    guard let argument = unsafe String(validatingCString: bytes) else {
      throw .argumentNotText(position: position)
    }
    arguments.append(argument)
  }
  return arguments
}

/// The value of a variable of the environment, or `nil` where it isn't set.
///
/// One that isn't UTF-8 is repaired, so that its use fails rather than goes unnoticed.
package func environmentVariable(_ name: String) -> String? {
  unsafe getenv(name).map { unsafe String(cString: $0) }
}
