import Bytes
import Dispatching
package import EventLog
import Events
import Merkle
import Platform
import Views

extension Ledger {
  /// Makes a ledger: its keys, its log with event 0, its settings, and `LEDGER` last of all.
  ///
  /// Where an earlier try was interrupted, its leftovers are used or written over.
  ///
  /// - Parameters:
  ///   - origin: The name in signed statements.
  ///   - configuration: What `config.json` holds at first.
  package static func create(
    _ path: LedgerPath, origin: String, configuration: [UInt8], surroundings: Surroundings
  ) throws(LedgerError) -> LedgerIdentity {
    guard LedgerIdentity.isOrigin(origin) else { throw .badOrigin(origin) }
    try inFiles { () throws(PlatformError) in try createDirectories(path.directory) }
    try refuseToOverwrite(path)
    let key = try KeyStore.create(path, surroundings: surroundings)
    let id = EventLog.LedgerID(hex: Hex.encode(try surroundings.randomBytes(16)))
    guard let id, let vkey = VerifierKey(name: origin, key: key.publicKey),
      let identity = LedgerIdentity(
        id: id, origin: origin, created: surroundings.now(), verifierKey: vkey)
    else { throw .badOrigin(origin) }

    let storage = try inStorage { () throws(StorageError) in
      try FileStorage.open(directory: path.directory)
    }
    try inLog { () throws(LogError) in
      var writer = try LogWriter.create(in: storage, identity: identity)
      _ = try writer.append(
        [firstEvent(identity, actor: surroundings.actor).encodeLine()], time: identity.created)
      try writer.synchronize()
      try writer.synchronizeHead()
    }
    try inFiles { () throws(PlatformError) in
      try replaceFile(path.configuration, with: configuration)
      try replaceFile(joinPath(path.directory, LedgerPath.delivering), with: [])
      try replaceFile(
        joinPath(path.directory, LogPath.identity), with: identity.encoded)
    }
    return identity
  }

  private static func firstEvent(_ identity: LedgerIdentity, actor: String) -> Event {
    guard let id = Events.LedgerID(identity.id.hex) else {
      fatalError("invariant broken: \(identity.id.hex) is no ledger's id")
    }
    let created = LedgerCreated(
      format: Int(LedgerIdentity.format), ledgerID: id, origin: identity.origin,
      vkey: identity.verifierKey.text)
    return Event(
      id: 0, time: identity.created, source: identity.origin, actor: actor,
      payload: .ledgerCreated(created))
  }

  /// Refuses a directory that holds a ledger, or a log with more than an interrupted `init` leaves.
  private static func refuseToOverwrite(_ path: LedgerPath) throws(LedgerError) {
    let identity = joinPath(path.directory, LogPath.identity)
    if try inFiles({ () throws(PlatformError) in try exists(identity) }) {
      throw .exists(directory: path.directory)
    }
    let log = joinPath(path.directory, LogPath.logDirectory)
    guard try inFiles({ () throws(PlatformError) in try exists(log) }) else { return }
    let names = try inFiles { () throws(PlatformError) in try namesInDirectory(log) }
    let own = LogPath.segment(0).split(separator: "/").last.map(String.init) ?? ""
    for name in names where name != own && name != own + ".new" {
      throw .exists(directory: path.directory)
    }
    guard names.contains(own) else { return }
    let bytes = try inFiles { () throws(PlatformError) in
      try readFile(joinPath(log, own), limit: 1 << 20)
    }
    let commits = bytes.split(separator: UInt8(ascii: "\n"))
      .count { $0.starts(with: "#commit ".utf8) }
    if commits > 1 { throw .exists(directory: path.directory) }
  }
}
