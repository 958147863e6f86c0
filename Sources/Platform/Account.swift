#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Who runs this process and where, as an event's `actor`: `user:ops@host7`.
package func actorOfProcess() -> String {
  actor(ofUser: getuid())
}

/// A user of this machine as an event's `actor`, by the number that the system knows the user by.
package func actor(ofUser number: UInt32) -> String {
  actor(login: loginName(of: number) ?? "\(number)", host: hostName())
}

/// The one text for a login at a host, made of visible ASCII characters: any other becomes `?`.
package func actor(login: String, host: String) -> String {
  "user:\(visible(login))@\(visible(host))"
}

private func visible(_ name: String) -> String {
  let bytes = name.utf8.map { (0x21...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }
  return bytes.isEmpty ? "?" : String(decoding: bytes, as: UTF8.self)
}

/// The number of the group with this name, or `nil` where the system knows none.
package func groupNumber(named name: String) throws(PlatformError) -> UInt32? {
  var number: UInt32?
  let code = unsafe withScratch { start, size in
    var entry = unsafe group()
    var found: UnsafeMutablePointer<group>?
    let code = unsafe getgrnam_r(name, &entry, start, size, &found)
    if unsafe found != nil { number = unsafe entry.gr_gid }
    return code
  }
  // Systems disagree on whether an unknown name is an error at all, and on which.
  guard number != nil || [0, ENOENT, ESRCH, EBADF, EPERM].contains(code) else {
    throw .failed(.findGroup, path: name, code: code)
  }
  return number
}

private func loginName(of user: UInt32) -> String? {
  var name: String?
  _ = unsafe withScratch { start, size in
    var entry = unsafe passwd()
    var found: UnsafeMutablePointer<passwd>?
    let code = unsafe getpwuid_r(user, &entry, start, size, &found)
    // The entry's texts lie in the scratch space.
    if unsafe found != nil { name = unsafe String(cString: entry.pw_name) }
    return code
  }
  return name
}

private func hostName() -> String {
  var name = ""
  _ = unsafe withScratch { start, size in
    // A name that is too long may come without its end.
    unsafe start[size - 1] = 0
    let answer = unsafe gethostname(start, size - 1)
    if answer == 0 { name = unsafe String(cString: start) }
    return answer
  }
  return name
}

/// Makes a call with more and more scratch space until it is enough (ERANGE), up to 1 MiB.
private func withScratch(_ body: (UnsafeMutablePointer<CChar>, Int) -> Int32) -> Int32 {
  var size = 4_096
  while true {
    let start = UnsafeMutablePointer<CChar>.allocate(capacity: size)
    defer { unsafe start.deallocate() }
    let code = unsafe body(start, size)
    guard code == ERANGE, size < 1 << 20 else { return code }
    size *= 4
  }
}
