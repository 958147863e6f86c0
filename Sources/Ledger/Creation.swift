import Bytes
import Dispatching
package import EventLog
import Events
import Merkle
import Platform
import Views

/// What a new ledger is to be.
package struct NewLedger {
  /// The name in signed statements.
  package var origin: String
  /// What `config.json` holds at first.
  package var configuration: [UInt8]
  /// An absolute path outside of the ledger where its keys are to lie.
  package var keys: String?
  /// A command that signs, instead of a key of the ledger's own.
  package var signer: Signer?
  /// The group whose members may read all but the keys.
  package var group: UInt32?

  package init(origin: String, configuration: [UInt8]) {
    self.origin = origin
    self.configuration = configuration
  }
}

extension Ledger {
  /// Makes a ledger: its keys, its log with event 0, its settings, and `LEDGER` last of all.
  ///
  /// Where an earlier try was interrupted, its leftovers are used or written over.
  ///
  /// - Throws: `.signing(.signerFailed)` where a command that is to sign doesn't.
  package static func create(
    _ path: LedgerPath, _ new: NewLedger, surroundings: Surroundings
  ) throws(LedgerError) -> LedgerIdentity {
    guard LedgerIdentity.isOrigin(new.origin) else { throw .badOrigin(new.origin) }
    if let signer = new.signer { _ = try signer.signature(of: Array("\(new.origin)\n".utf8)) }
    let sharing = new.group.map { FileSharing.group($0) } ?? .ownerOnly
    try inFiles { () throws(PlatformError) in try createDirectories(path.directory) }
    try refuseToOverwrite(path)
    try inFiles { () throws(PlatformError) in try shareDirectory(path.directory, as: sharing) }
    let signer = try KeyStore.create(
      path, origin: new.origin, elsewhere: new.keys, signer: new.signer,
      surroundings: surroundings)
    let id = EventLog.LedgerID(hex: Hex.encode(try surroundings.randomBytes(16)))
    guard let id,
      let identity = LedgerIdentity(
        id: id, origin: new.origin, created: surroundings.now(), verifierKey: signer.vkey)
    else { throw .badOrigin(new.origin) }

    let storage = try inStorage { () throws(StorageError) in
      try FileStorage.open(directory: path.directory, sharing: sharing)
    }
    try inLog { () throws(LogError) in
      var writer = try LogWriter.create(in: storage, identity: identity)
      _ = try writer.append(
        [firstEvent(identity, actor: surroundings.actor).encodeLine()], time: identity.created)
      try writer.synchronize()
      try writer.synchronizeHead()
    }
    try inStorage { () throws(StorageError) in
      try storage.replace(LedgerPath.configurationName, with: new.configuration)
      try storage.replace(LedgerPath.delivering, with: [])
      try storage.replace(LogPath.identity, with: identity.encoded)
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
