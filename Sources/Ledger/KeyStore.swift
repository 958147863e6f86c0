import Bytes
import Dispatching
import Events
import Platform

/// The keys of a ledger, which lie beside it and are never part of it.
///
/// - `signing-key`: who signs checkpoints (``Signer``).
/// - `idempotency-key`: the HMAC key of calls, 64 hex digits and a newline.
/// - `orphans-key`: seals what providers say of nobody knows whom; 64 hex digits and a newline.
/// - `users/00` … `users/ff`: users' keys (``UserKeys``), by the first byte of SHA-256(ID).
/// - `erased`: up to which `user.erased` the keys are known to be destroyed; an event id and a newline.
///
/// Each file is replaced as a whole, durably, before anything is sealed under a key in it.
final class KeyStore {
  fileprivate let path: LedgerPath
  private let ledgerID: String
  private let surroundings: Surroundings
  fileprivate var userKeys: UserKeys
  private var idempotency: [UInt8]?
  private var orphans: [UInt8]?
  /// Up to which event erasures are known to be carried out, as far as this process knows.
  fileprivate var erasedUpTo: EventID?

  /// - Throws: `.untrustedKeys` where others than the caller may have been in the directory.
  init(_ path: LedgerPath, ledgerID: String, surroundings: Surroundings) throws(LedgerError) {
    let status = try inFiles { () throws(PlatformError) in
      try FileStatus(ofDirectory: path.keys)
    }
    guard status.owner == effectiveUser(), status.permissions & 0o077 == 0 else {
      throw .untrustedKeys(path: path.keys)
    }
    self.path = path
    self.ledgerID = ledgerID
    self.surroundings = surroundings
    userKeys = UserKeys(path)
  }

  /// Makes the directory and the ledger's own two keys where they are missing.
  ///
  /// - Parameters:
  ///   - elsewhere: An absolute path outside of the ledger where the keys are to lie.
  ///   - signer: A command that signs, instead of a key of the ledger's own.
  /// - Returns: Who signs.
  static func create(
    _ path: LedgerPath, origin: String, elsewhere: String?, signer: Signer?,
    surroundings: Surroundings
  ) throws(LedgerError) -> Signer {
    try inFiles { () throws(PlatformError) in
      if let elsewhere {
        try createDirectories(elsewhere)
        if try !exists(path.keys) { try createLink(path.keys, to: elsewhere) }
      }
      try createDirectories(path.userKeys)
    }
    _ = try existingOrNew(path.idempotencyKey, surroundings)
    if case .command(let command, let vkey)? = signer {
      try inFiles { () throws(PlatformError) in
        try replaceFile(path.signingKey, with: Signer.file(command: command, vkey: vkey))
      }
    } else {
      _ = try existingOrNew(path.signingKey, surroundings)
    }
    return try Self.signer(in: path.signingKey, origin: origin)
  }

  /// Reads who signs.
  static func signer(in file: String, origin: String) throws(LedgerError) -> Signer {
    let bytes = try inFiles { () throws(PlatformError) in
      try readFile(file, limit: Signer.fileLimit)
    }
    guard let signer = Signer(file: bytes, name: origin) else { throw .badKeyFile(path: file) }
    return signer
  }

  private static func existingOrNew(
    _ file: String, _ surroundings: Surroundings
  ) throws(LedgerError) -> [UInt8] {
    if try inFiles({ () throws(PlatformError) in try exists(file) }) { return try key(in: file) }
    let key = try surroundings.randomBytes(32)
    try inFiles { () throws(PlatformError) in
      try replaceFile(file, with: Array("\(Hex.encode(key))\n".utf8))
    }
    return key
  }

  private static func key(in file: String) throws(LedgerError) -> [UInt8] {
    let bytes = try inFiles { () throws(PlatformError) in try readFile(file, limit: 256) }
    guard bytes.count == 65, bytes.last == UInt8(ascii: "\n"),
      let key = Hex.decode(bytes.dropLast())
    else { throw .badKeyFile(path: file) }
    return key
  }

  /// HMAC-SHA-256 of a call's canonical form, under the ledger's own key.
  func idempotencyHash(of call: [UInt8]) throws(LedgerError) -> HexDigest {
    if idempotency == nil { idempotency = try Self.key(in: path.idempotencyKey) }
    return Self.hexDigest(HMAC.sha256(call, key: idempotency ?? []))
  }

  /// HMAC-SHA-256 of a notice's text under the user's key; `nil` where that isn't at hand.
  ///
  /// None is made here: what the user's addresses are sealed under would still be missing.
  func textHMAC(of text: [UInt8], user: EntityID) throws(LedgerError) -> HexDigest? {
    try key(of: user).map { Self.hexDigest(HMAC.sha256(text, key: $0)) }
  }

  private static func hexDigest(_ digest: Digest) -> HexDigest {
    guard let hex = HexDigest(digest.hex) else {
      fatalError("invariant broken: 64 hex digits are no digest")
    }
    return hex
  }

  /// Makes the keys that are missing for `users` durable, so that what follows can seal.
  func prepare(_ users: [EntityID]) throws(LedgerError) {
    var changed: Set<UInt8> = []
    for user in users where try !hasKey(user) {
      let bucket = Self.bucket(of: user)
      let key = try surroundings.randomBytes(32)
      userKeys.set(key, of: user, in: bucket)
      changed.insert(bucket)
    }
    try userKeys.write(changed.sorted())
  }

  /// Makes the key for orphans durable where it is missing.
  func prepareForOrphans() throws(LedgerError) {
    if orphans == nil { orphans = try Self.existingOrNew(path.orphansKey, surroundings) }
  }

  fileprivate static func bucket(of user: EntityID) -> UInt8 {
    SHA256.hash(Array(user.text.utf8)).bytes[0]
  }

  /// Whether the user's key is at hand.
  func hasKey(_ user: EntityID) throws(LedgerError) -> Bool { try key(of: user) != nil }

  private func key(of user: EntityID) throws(LedgerError) -> [UInt8]? {
    try userKeys.key(of: user, in: Self.bucket(of: user))
  }

  /// Takes notice of what other processes did to users' keys since: for whoever has just got the
  /// writer's lock, under which alone they change.
  func beginTurn() { userKeys.distrust() }

  /// Seals and opens for decisions; ``prepare(_:)`` comes first.
  var personalData: PersonalData {
    PersonalData(
      seal: { [self] text, user, field in seal(text, user, field) },
      open: { [self] sealed, user, field in open(sealed, user, field) },
      sealOrphan: { [self] text in
        seal(text, key: orphans ?? [], associatedData: associatedData("", .resultDetail))
      }, hasKey: { [self] user in (try? hasKey(user)) ?? false })
  }

  private func seal(_ text: String, _ user: EntityID, _ field: PersonalField) -> SealedText {
    seal(
      text, key: (try? key(of: user)) ?? [], associatedData: associatedData(user.text, field))
  }

  private func seal(_ text: String, key: [UInt8], associatedData: [UInt8]) -> SealedText {
    guard !key.isEmpty, let nonce = surroundings.random(12) else {
      fatalError("invariant broken: a text is sealed under a key that isn't at hand")
    }
    let sealed = AESGCM.seal(
      Array(text.utf8), key: key, nonce: nonce, associatedData: associatedData)
    guard let text = SealedText(sealed: nonce + sealed) else {
      fatalError("invariant broken: a sealed text can't be written down")
    }
    return text
  }

  func open(_ sealed: SealedText, _ user: EntityID, _ field: PersonalField) -> String? {
    guard let key = try? key(of: user) else { return nil }
    let bytes = Array(sealed.sealed)
    guard bytes.count >= AESGCM.nonceByteCount,
      let text = AESGCM.open(
        Array(bytes.dropFirst(AESGCM.nonceByteCount)), key: key,
        nonce: Array(bytes.prefix(AESGCM.nonceByteCount)),
        associatedData: associatedData(user.text, field))
    else { return nil }
    return String(validating: text, as: UTF8.self)
  }

  /// What a sealed text is bound to: the ledger, the user and the field, a line each.
  private func associatedData(_ user: String, _ field: PersonalField) -> [UInt8] {
    Array("\(ledgerID)\n\(user)\n\(field.text)".utf8)
  }
}

// MARK: - Erasing

extension KeyStore {
  private static let erasedLimit = 64

  /// The last `user.erased` that is known to be carried out; `nil` where none is, or where what the
  /// file says can't be read.
  private func lastCarriedOut() throws(LedgerError) -> EventID? {
    let file = path.erasedMark
    guard try inFiles({ () throws(PlatformError) in try exists(file) }) else { return nil }
    let bytes = try inFiles { () throws(PlatformError) in
      try readFile(file, limit: Self.erasedLimit)
    }
    guard bytes.last == UInt8(ascii: "\n") else { return nil }
    return EventID(eventID: String(decoding: bytes.dropLast(), as: UTF8.self))
  }

  /// Destroys the keys of all users that events erased and whose keys may still be there: those
  /// that a crash, or keys put back from an older copy, have left.
  ///
  /// Where nothing was erased since the last time, this costs a look at what is remembered.
  ///
  /// - Parameters:
  ///   - last: The last event that erased a user.
  ///   - erased: Users that were erased after an event, at most so many, in order.
  func carryOutErasures(
    upTo last: EventID,
    erased: (_ after: EventID?, _ limit: Int) throws(LedgerError) -> [(id: EntityID, by: EventID)]
  ) throws(LedgerError) {
    if erasedUpTo == last { return }
    var done = try lastCarriedOut()
    // A mark beyond the last one is of another history: nothing is known then.
    if let mark = done, mark > last { done = nil }
    if done != last {
      while true {
        let users = try erased(done, 10_000)
        guard let end = users.last?.by else { break }
        try destroy(users.map(\.id))
        done = end
      }
      try inFiles { () throws(PlatformError) in
        try replaceFile(path.erasedMark, with: Array("\(last)\n".utf8))
      }
    }
    erasedUpTo = last
  }

  /// Destroys users' keys, as far as they are there, durably: in their files and in what
  /// interrupted calls left beside these.
  func destroy(_ users: [EntityID]) throws(LedgerError) {
    var byBucket: [UInt8: [EntityID]] = [:]
    for user in users { byBucket[Self.bucket(of: user), default: []].append(user) }
    for bucket in byBucket.keys.sorted() {
      try userKeys.destroy(byBucket[bucket] ?? [], in: bucket)
    }
    try userKeys.removeLeftovers()
  }
}
