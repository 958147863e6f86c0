import Bytes

/// What a log says of itself: its origin, and the head of its tree (C2SP tlog-checkpoint).
///
/// The inverse pair: `Checkpoint(text: c.text) == c`.
package struct Checkpoint: Hashable, Sendable {
  private let originText: ByteText
  private let extensionTexts: [ByteText]

  /// Size and root, the size at most 2^63 - 1.
  package let head: TreeHead

  /// The log's name, told apart from others by its bytes.
  package var origin: String { originText.string }

  /// Further lines, none of them empty; this ledger writes none.
  package var extensions: [String] { extensionTexts.map(\.string) }

  /// A checkpoint, or `nil` where it couldn't be written: an empty line, a control character, a size
  /// beyond the limit.
  package init?(origin: String, head: TreeHead, extensions: [String] = []) {
    let lines = [origin] + extensions
    guard head.size <= DecimalText.greatest,
      lines.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { $0 >= 0x20 } })
    else { return nil }
    originText = ByteText(origin)
    extensionTexts = extensions.map(ByteText.init)
    self.head = head
  }

  /// Reads a note's text.
  ///
  /// - Throws: `.malformed` with the number of the line.
  package init(text: [UInt8]) throws(EvidenceError) {
    var reader = LineReader(text)
    func line() throws(EvidenceError) -> ArraySlice<UInt8> {
      guard let line = reader.next(), !line.isEmpty else {
        throw .malformed(.checkpoint, line: reader.number)
      }
      return line
    }
    func string() throws(EvidenceError) -> ByteText {
      guard let text = try line().line else { throw .malformed(.checkpoint, line: reader.number) }
      return ByteText(text)
    }
    originText = try string()
    guard let size = DecimalText.read(try line()) else { throw .malformed(.checkpoint, line: 2) }
    guard let bytes = Base64.decode(try line()), let root = Digest(bytes: bytes) else {
      throw .malformed(.checkpoint, line: 3)
    }
    head = TreeHead(size: size, root: root)
    var extensions: [ByteText] = []
    while !reader.isAtEnd { extensions.append(try string()) }
    extensionTexts = extensions
  }

  /// What is signed: the lines, each with its newline.
  package var text: [UInt8] {
    let lines = [origin, String(head.size), head.root.base64] + extensions
    return lines.flatMap { Array($0.utf8) + [UInt8(ascii: "\n")] }
  }

  /// The checkpoint signed by its log, or `nil` where `sign` gave what isn't the signature of `key`.
  ///
  /// Whoever signs sees to it that this tree is consistent with all that the key signed before.
  ///
  /// - Parameter sign: Gives the 64 bytes of the Ed25519 signature of the bytes that it is handed.
  package func signed<Failure>(
    by key: VerifierKey, sign: ([UInt8]) throws(Failure) -> [UInt8]
  ) throws(Failure) -> SignedNote? {
    let text = text
    guard let signature = try NoteSignature.make(text: text, key: key, sign: sign) else {
      return nil
    }
    return SignedNote(text: text, signatures: [signature])
  }
}

/// A checkpoint that its log signed, and whoever cosigned it.
package struct VerifiedCheckpoint: Hashable, Sendable {
  package let checkpoint: Checkpoint

  /// The note that it was read from.
  package let note: SignedNote

  /// The log's keys that signed; at least one, each once.
  package let logKeys: [NoteKey]

  /// Who of the known witnesses cosigned, and when, in the order of the note's lines.
  package let cosignatures: [Cosignature]

  /// Reads the checkpoint of a note and checks who signed it.
  ///
  /// - Parameters:
  ///   - logs: Keys of logs; only those whose name is the checkpoint's origin count.
  ///   - cosigners: Keys of witnesses. That they alone signed isn't enough.
  /// - Throws: `.malformed`, `.unknownOrigin`, `.notSignedByLog`, and what
  ///   ``SignedNote/verified(by:)`` throws.
  package init(
    _ note: SignedNote, logs: [NoteKey], cosigners: [CosignerKey] = []
  ) throws(EvidenceError) {
    let checkpoint = try Checkpoint(text: note.text)
    let logs = logs.filter { sameBytes($0.name, checkpoint.origin) }
    guard !logs.isEmpty else { throw .unknownOrigin(checkpoint.origin) }
    var keys: [NoteKey] = []
    var cosignatures: [Cosignature] = []
    for signature in try note.verified(by: logs + cosigners.map(NoteKey.cosigner)) {
      if logs.contains(signature.key), !keys.contains(signature.key) { keys.append(signature.key) }
      if case .cosigner(let key) = signature.key, cosigners.contains(key),
        let time = signature.time
      {
        cosignatures.append(Cosignature(key: key, time: time))
      }
    }
    guard !keys.isEmpty else { throw .notSignedByLog(checkpoint.origin) }
    self.checkpoint = checkpoint
    self.note = note
    logKeys = keys
    self.cosignatures = cosignatures
  }
}

/// That a witness cosigned, and when.
package struct Cosignature: Hashable, Sendable {
  package let key: CosignerKey

  /// Seconds since the Epoch.
  package let time: UInt64

  /// That `key` cosigned at `time`.
  package init(key: CosignerKey, time: UInt64) {
    self.key = key
    self.time = time
  }
}
