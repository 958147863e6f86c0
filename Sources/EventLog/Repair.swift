extension RepairPlan {
  /// Does what was planned; a crash on the way leaves a ledger that can be planned for and repaired again.
  ///
  /// Where nothing is left to do, it still makes durable what an interrupted repair did.
  ///
  /// Nothing may have changed since the plan was made: whoever calls holds the writer's lock from before.
  ///
  /// - Parameter head: `head`, open for writing and locked.
  /// - Returns: What was set aside.
  /// - Throws: `.storage`; also where a new segment isn't what was planned.
  package func apply(
    to storage: any Storage, identity: LedgerIdentity, head file: any StorageFile
  ) throws(LogError) -> [QuarantinedFile] {
    // The names that an interrupted repair gave may be in memory only.
    try reporting { () throws(StorageError) in
      try storage.ensureDirectory(LogPath.logDirectory)
      try storage.synchronizeDirectory(LogPath.logDirectory)
      try storage.synchronizeDirectory(".")
    }
    let quarantine = Quarantine(storage: storage)
    var setAside: [QuarantinedFile] = []
    for step in steps {
      switch step {
      case .fromCopy(let segment, _, _, _):
        guard let patch = patches.first(where: { $0.segment == segment }) else { continue }
        setAside += try replace(patch, step, in: storage, quarantine)
      case .cutTail(let segment, let range, _):
        setAside.append(
          try reporting { () throws(StorageError) in
            let file = try storage.open(LogPath.segment(segment), for: .writing)
            let copy = try quarantine.copy(range, of: file, segment: segment, reason: .suspect)
            try file.truncate(to: range.lowerBound)
            try file.synchronize()
            return copy
          })
      case .rebuildHead:
        setAside += try rebuild(file, identity.id, quarantine)
      }
    }
    return setAside
  }

  private func replace(
    _ patch: SegmentPatch, _ step: RepairStep, in storage: any Storage, _ quarantine: Quarantine
  ) throws(LogError) -> [QuarantinedFile] {
    guard case .fromCopy(let segment, let range, let digest, _) = step else { return [] }
    let path = LogPath.segment(segment)
    let unfinished = path + LogPath.unfinishedSuffix
    return try reporting { () throws(StorageError) in
      var setAside: [QuarantinedFile] = []
      let name = String(unfinished.dropFirst(LogPath.logDirectory.count + 1))
      if try storage.list(LogPath.logDirectory).contains(name) {
        setAside.append(try quarantine.move(unfinished: name))
      }
      let content = try patch.file(in: storage, copy: copy)
      let made = try storage.copy(0..<patch.length, of: content, to: unfinished).file
      // What was read for the plan must be what was read now.
      let written = try forEachPiece(of: made, range) { (_, _) in }
      guard written == digest, try made.size() == patch.length else {
        throw StorageError(operation: .read, path: path, code: StorageError.inputOutputError)
      }
      if patch.ownLength != nil {
        let own = try storage.open(path, for: .reading)
        setAside.append(
          try quarantine.copy(0..<own.size(), of: own, segment: segment, reason: .replaced))
      }
      try storage.putInPlace(unfinished, as: path)
      return setAside
    }
  }

  private func rebuild(
    _ file: any StorageFile, _ ledger: LedgerID, _ quarantine: Quarantine
  ) throws(LogError) -> [QuarantinedFile] {
    guard let head else { return [] }
    return try reporting { () throws(StorageError) in
      var setAside: [QuarantinedFile] = []
      let length = try file.size()
      if length > 0 {
        setAside.append(try quarantine.copy(0..<length, of: file, segment: 0, reason: .head))
      }
      for slot in head {
        try file.writeFully(slot.encoded(in: ledger), at: slot.offset)
        try file.synchronize()
      }
      return setAside
    }
  }
}
