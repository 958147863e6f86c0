#if canImport(Darwin)
  import Darwin
#elseif canImport(Musl)
  import Musl
#else
  import Glibc
#endif

/// Writes all of `bytes` at the descriptor's position, in as many calls as that takes.
///
/// Waits for room even where the descriptor was handed over with `O_NONBLOCK`, as a terminal that
/// is shared with another program may be.
func writeAll(_ bytes: ArraySlice<UInt8>, to number: Int32) throws(Errno) {
  var rest = bytes
  while !rest.isEmpty {
    do throws(Errno) {
      let count = try systemCall {
        unsafe rest.withUnsafeBytes { unsafe write(number, $0.baseAddress, $0.count) }
      }
      guard count > 0 else { throw Errno(EIO) }
      rest = rest.dropFirst(count)
    } catch {
      guard error.code == EAGAIN else { throw error }
      try waitUntilReady(number, for: POLLOUT)
    }
  }
}

/// Returns when a descriptor can be read or written, or has something to say about why not.
func waitUntilReady(_ number: Int32, for event: Int32) throws(Errno) {
  var request = pollfd(fd: number, events: Int16(event), revents: 0)
  try systemCall { unsafe poll(&request, 1, -1) }
}
