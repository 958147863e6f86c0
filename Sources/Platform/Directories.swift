#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// The names in an open directory, sorted by their bytes, without `.` and `..`.
///
/// A name that isn't UTF-8 is shown repaired, so that it can be reported; to open it will fail.
func namesInDirectory(_ directory: borrowing Descriptor) throws(Errno) -> [String] {
  // The stream takes over a descriptor, so it gets a fresh one, whose position is the beginning.
  let number = try directory.withNumber { number throws(Errno) in
    try systemCall { unsafe openat(number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
  }
  guard let stream = unsafe fdopendir(number) else {
    let code = errno
    close(number)
    throw Errno(code)
  }
  defer { unsafe closedir(stream) }
  var names: [String] = []
  while true {
    // At the end `readdir` leaves `errno` as it was; only so is an error told from the end.
    errno = 0
    guard let entry = unsafe readdir(stream) else {
      let code = errno
      if code != 0 { throw Errno(code) }
      break
    }
    let name = unsafe name(of: entry)
    if name != ".", name != ".." { names.append(name) }
  }
  return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}

/// Reads the name where it stands: a copied `dirent` would reach beyond the entry's own end.
private func name(of entry: UnsafeMutablePointer<dirent>) -> String {
  guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { return "" }
  let start = unsafe UnsafeRawPointer(entry) + offset
  return unsafe String(cString: start.assumingMemoryBound(to: CChar.self))
}
