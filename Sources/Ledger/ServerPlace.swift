import Platform

/// Where a server listens, and how others find it.
final class ServerPlace {
  let listener: LocalListener
  /// The link in the ledger that leads to a socket elsewhere.
  private let link: String?
  private var isWithdrawn = false

  /// Listens under a path; where that isn't the usual one in the ledger, a link there leads to it.
  ///
  /// Only who has the writer's lock may: what another server has left is put aside.
  init(of ledger: LedgerPath, at path: String?) throws(LedgerError) {
    let usual = ledger.socket
    do throws(PlatformError) {
      // A link that is left of a socket elsewhere; anything else that isn't a socket is refused.
      if let status = try? FileStatus(of: usual), status.kind == .symbolicLink {
        try removeFile(usual)
      }
      let wanted = try absolutePath(path ?? usual)
      if wanted == (try absolutePath(usual)) {
        link = nil
        listener = try LocalListener(usual)
      } else {
        if try exists(usual) { try removeSocket(usual) }
        listener = try LocalListener(wanted)
        link = usual
        try createLink(usual, to: wanted)
      }
    } catch {
      throw .file(error)
    }
  }

  deinit { withdraw() }

  /// From now on nobody finds it.
  func withdraw() {
    if isWithdrawn { return }
    isWithdrawn = true
    if let link { try? removeFile(link) }
    try? removeFile(listener.path)
  }
}

private func removeSocket(_ path: String) throws(PlatformError) {
  guard try FileStatus(of: path).kind == .special else {
    throw .failed(.listen, path: path, code: 17)
  }
  try removeFile(path)
}
