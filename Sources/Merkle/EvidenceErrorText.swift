extension EvidenceError {
  /// The error as a sentence without a period, and what to do about it; texts that came from outside
  /// are quoted as they are, so whoever prints them on a terminal makes them safe first.
  package var text: String {
    switch self {
    case .malformed(let form, let line):
      "line \(line) of the \(form.text) hasn't the form that FORMAT.md gives it"
    case .tooLong(let form, let bytes, let limit):
      "the \(form.text) has \(bytes) bytes, and may have \(limit)"
    case .noKnownSignature:
      "nobody signed it whose key is known; give the right key with --vkey or --policy"
    case .falseSignature(let key):
      "the signature of \(key) is false: the text was changed, or the key is another one"
    case .ambiguousKeys(let name): "two of the known keys named \(name) have one key id"
    case .unknownOrigin(let origin): "it is of \(origin), and no key of that name is known"
    case .notSignedByLog(let origin): "\(origin) itself didn't sign it, only others"
    case .quorumNotMet(let names):
      names.isEmpty
        ? "no witness of the policy cosigned it"
        : "only \(names.joined(separator: ", ")) cosigned it, too few for the policy's quorum"
    case .notInTree(let index, let head):
      "the proof doesn't lead to the root of the checkpoint of size \(head.size): this isn't event "
        + "\(index) of that ledger"
    case .missingTile(let tile): "\(tile.path) is missing"
    case .falseTiles(let tiles):
      "\(tiles.map(\.path).joined(separator: ", ")) \(tiles.count == 1 ? "isn't" : "aren't") of this "
        + "tree: the root is another one"
    case .outsideTree(let leaves, let size):
      "events \(leaves.lowerBound) to \(leaves.upperBound) were asked for, and there are \(size)"
    }
  }
}

extension EvidenceForm {
  /// What the form is called.
  package var text: String {
    switch self {
    case .note: "note"
    case .checkpoint: "checkpoint"
    case .proof: "proof"
    case .witnessRequest: "request to the witness"
    case .policy: "policy"
    }
  }
}
