package import Bytes

/// The ledger whose lost end made this one necessary.
package struct ContinuedLedger: Record {
  package var ledgerID: LedgerID
  package var origin: String
  /// Events that are still there.
  package var size: Int
  /// The root of these.
  package var root: TreeRoot
  /// The size that it is known to have had: events `size` up to `lost_size` - 1 are lost.
  package var lostSize: Int

  package init(ledgerID: LedgerID, origin: String, size: Int, root: TreeRoot, lostSize: Int) {
    self.ledgerID = ledgerID
    self.origin = origin
    self.size = size
    self.root = root
    self.lostSize = lostSize
  }
}

extension ContinuedLedger {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    ledgerID = try reader.required("ledger_id")
    lostSize = try reader.required("lost_size")
    origin = try reader.required("origin")
    root = try reader.required("root")
    size = try reader.required("size")
  }

  package func check() throws(EventError) {
    try Check.integer("size", size, from: 0)
    try Check.integer("lost_size", lostSize, from: 0)
    try Check.agreement("lost_size", with: "size", lostSize >= size)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("ledger_id", ledgerID)
    writer.set("lost_size", lostSize)
    writer.set("origin", origin)
    writer.set("root", root)
    writer.set("size", size)
  }
}

/// `ledger.created.v1`: what this ledger is.
///
/// Event 0, and no other.
package struct LedgerCreated: EventData {
  package static let type = EventType.ledgerCreated

  /// Version of the log's format, 1.
  package var format: Int
  /// The ledger's random id.
  package var ledgerID: LedgerID
  /// The name that checkpoints are signed under; every event's `source`.
  package var origin: String
  /// The first signing key, as a C2SP verifier key line.
  package var vkey: String
  /// The ledger that this one goes on for.
  package var continues: ContinuedLedger?

  package init(
    format: Int, ledgerID: LedgerID, origin: String, vkey: String,
    continues: ContinuedLedger? = nil
  ) {
    self.format = format
    self.ledgerID = ledgerID
    self.origin = origin
    self.vkey = vkey
    self.continues = continues
  }

  package var subject: Subject { .ledger }
}

extension LedgerCreated {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    continues = try reader.optional("continues")
    format = try reader.required("format")
    ledgerID = try reader.required("ledger_id")
    origin = try reader.required("origin")
    vkey = try reader.required("vkey")
  }

  package func check() throws(EventError) {
    try Check.integer("format", format, from: 1)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("continues", continues)
    writer.set("format", format)
    writer.set("ledger_id", ledgerID)
    writer.set("origin", origin)
    writer.set("vkey", vkey)
  }
}

/// `ledger.recovered.v1`: bytes that recovery set aside; they lie in `quarantine/` and are never
/// deleted by the program.
package struct LedgerRecovered: EventData {
  package static let type = EventType.ledgerRecovered

  /// The file's name in `quarantine/`.
  package var file: String
  /// The first event of the segment that held them.
  package var segment: EventID
  /// Where they began in it, in bytes.
  package var offset: Int
  /// How many bytes.
  package var length: Int
  /// SHA-256 of them.
  package var digest: HexDigest
  /// What opening found.
  package var state: RecoveryState

  package init(
    file: String, segment: EventID, offset: Int, length: Int, digest: HexDigest,
    state: RecoveryState
  ) {
    self.file = file
    self.segment = segment
    self.offset = offset
    self.length = length
    self.digest = digest
    self.state = state
  }

  package var subject: Subject { .ledger }
}

extension LedgerRecovered {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    file = try reader.required("file")
    length = try reader.required("length")
    offset = try reader.required("offset")
    segment = try reader.required("segment")
    digest = try reader.required("sha256")
    state = try reader.required("state")
  }

  package func check() throws(EventError) {
    try Check.integer("offset", offset, from: 0)
    try Check.integer("length", length, from: 0)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("file", file)
    writer.set("length", length)
    writer.set("offset", offset)
    writer.set("segment", segment)
    writer.set("sha256", digest)
    writer.set("state", state)
  }
}

/// `ledger.repaired.v1`: an operator decided what recovery would not decide alone.
package struct LedgerRepaired: EventData {
  package static let type = EventType.ledgerRepaired

  /// What was done.
  package var action: RepairAction
  /// What was found before.
  package var state: RecoveryState
  /// Events that the log held after the repair.
  package var size: Int
  /// The root of these.
  package var root: TreeRoot
  /// The first event of the segment that was repaired.
  package var segment: EventID?
  /// Where the repaired bytes begin in it.
  package var offset: Int?
  /// How many bytes.
  package var length: Int?
  /// SHA-256 of the bytes that were put in place or accepted.
  package var digest: HexDigest?
  /// Why the operator did it.
  package var reason: String?

  package init(
    action: RepairAction, state: RecoveryState, size: Int, root: TreeRoot,
    segment: EventID? = nil, offset: Int? = nil, length: Int? = nil, digest: HexDigest? = nil,
    reason: String? = nil
  ) {
    self.action = action
    self.state = state
    self.size = size
    self.root = root
    self.segment = segment
    self.offset = offset
    self.length = length
    self.digest = digest
    self.reason = reason
  }

  package var subject: Subject { .ledger }
}

extension LedgerRepaired {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    action = try reader.required("action")
    length = try reader.optional("length")
    offset = try reader.optional("offset")
    reason = try reader.optional("reason")
    root = try reader.required("root")
    segment = try reader.optional("segment")
    digest = try reader.optional("sha256")
    size = try reader.required("size")
    state = try reader.required("state")
  }

  package func check() throws(EventError) {
    try Check.integer("size", size, from: 0)
    try Check.integer("offset", offset, from: 0)
    try Check.integer("length", length, from: 0)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("action", action)
    writer.set("length", length)
    writer.set("offset", offset)
    writer.set("reason", reason)
    writer.set("root", root)
    writer.set("segment", segment)
    writer.set("sha256", digest)
    writer.set("size", size)
    writer.set("state", state)
  }
}

/// `ledger.key-changed.v1`: another key signs from here on; the first checkpoint after this is
/// signed by both.
package struct LedgerKeyChanged: EventData {
  package static let type = EventType.ledgerKeyChanged

  /// The new key, as a C2SP verifier key line.
  package var vkey: String
  /// The key before it.
  package var previousVkey: String
  package var reason: String?
  /// From this size on nothing that the key before has signed counts: others may have it.
  package var distrustedFrom: Int?

  package init(
    vkey: String, previousVkey: String, reason: String? = nil, distrustedFrom: Int? = nil
  ) {
    self.vkey = vkey
    self.previousVkey = previousVkey
    self.reason = reason
    self.distrustedFrom = distrustedFrom
  }

  package var subject: Subject { .ledger }
}

extension LedgerKeyChanged {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    distrustedFrom = try reader.optional("distrusted_from")
    previousVkey = try reader.required("previous_vkey")
    reason = try reader.optional("reason")
    vkey = try reader.required("vkey")
  }

  package func check() throws(EventError) {
    try Check.integer("distrusted_from", distrustedFrom, from: 0)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("distrusted_from", distrustedFrom)
    writer.set("previous_vkey", previousVkey)
    writer.set("reason", reason)
    writer.set("vkey", vkey)
  }
}

/// `ledger.time-stamped.v1`: an authority has put its time on a checkpoint (RFC 3161).
package struct LedgerTimeStamped: EventData {
  package static let type = EventType.ledgerTimeStamped

  /// The checkpoint's size.
  package var size: Int
  /// The checkpoint's root.
  package var root: TreeRoot
  /// The time that the token names.
  package var stampedAt: Instant
  /// The name of the authority, as the token has it.
  package var authority: String
  /// The TimeStampToken, DER, whole.
  package var token: Base64Text

  package init(
    size: Int, root: TreeRoot, stampedAt: Instant, authority: String, token: Base64Text
  ) {
    self.size = size
    self.root = root
    self.stampedAt = stampedAt
    self.authority = authority
    self.token = token
  }

  package var subject: Subject { .ledger }
}

extension LedgerTimeStamped {
  package init(reading reader: inout ObjectReader) throws(EventError) {
    authority = try reader.required("authority")
    root = try reader.required("root")
    size = try reader.required("size")
    stampedAt = try reader.required("stamped_at")
    token = try reader.required("token")
  }

  package func check() throws(EventError) {
    try Check.integer("size", size, from: 0)
  }

  package func write(to writer: inout ObjectWriter) {
    writer.set("authority", authority)
    writer.set("root", root)
    writer.set("size", size)
    writer.set("stamped_at", stampedAt)
    writer.set("token", token)
  }
}
