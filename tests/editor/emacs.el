;;; emacs.el --- the approval script in Emacs with eglot -*- lexical-binding: t -*-

;; A person's session with eglot alone: it tells nothing of itself, resolves nothing, shows no progress and opens nothing.
;; What is checked is what stands in buffers, files and the log.  Run by tests/editor/run-emacs; the last line is
;; `N passed, M failed'.

(require 'package)
(package-initialize)
(require 'cl-lib)
(require 'eglot)
(require 'flymake)
(require 'json)

(defvar try-server (getenv "TAGOUT"))
(defvar try-root (file-name-as-directory (file-truename (getenv "WORKSPACE"))))
(defvar try-patience (string-to-number (or (getenv "PATIENCE") "90")) "Seconds: a bound on a hang, nothing is timed.")
(defvar try-passed 0)
(defvar try-failed 0)
(defvar try-rounds 0)
(defvar try-states nil "What was in the files before each changeset, the last first.")
(defvar try-told nil "What the server said to the user, the last first.")

(defun try-check (name fine &optional detail)
  (if fine (cl-incf try-passed) (cl-incf try-failed))
  (princ (format "%s %s%s\n" (if fine "ok   " "FAIL ") name (if fine "" (format "\n      %S" detail))))
  fine)

(defun try-equal (name got wanted)
  (try-check name (equal got wanted) (list :got got :wanted wanted)))

(defun try-until (condition)
  "Lets Emacs do what it does when nobody types, until CONDITION holds; what it gave, or nil."
  (let ((end (+ (float-time) try-patience)) found)
    (while (and (not (setq found (funcall condition))) (< (float-time) end))
      (accept-process-output nil 0.05)
      ;; An idle timer does this, and there are none in batch mode.
      (dolist (buffer (buffer-list))
        (with-current-buffer buffer
          (when (bound-and-true-p eglot--managed-mode) (eglot--signal-textDocument/didChange))))
      (try-hover))
    found))

(defun try-hover ()
  "Asks what is at point, as eldoc does in an Emacs that is looked at.
Emacs 28 takes what comes together with an answer only when something more comes."
  (when (and (eglot-current-server) (zerop (mod (cl-incf try-rounds) 10)))
    (jsonrpc-async-request (eglot-current-server) :textDocument/hover (eglot--TextDocumentPositionParams)
                           :success-fn #'ignore :error-fn #'ignore)))

;; --- the editor: settings as on the page docs/emacs.md, and questions answered with yes ---------------------------

(define-derived-mode rust-mode prog-mode "Rust")
(add-to-list 'auto-mode-alist '("\\.rs\\'" . rust-mode))
(add-to-list 'auto-mode-alist '("\\.md\\'" . text-mode))
(add-to-list 'eglot-server-programs `((rust-mode python-mode text-mode) . (,try-server "lsp")))
(add-hook 'project-find-functions (lambda (_) (cons 'transient try-root)))
(setq eglot-sync-connect try-patience
      eglot-connect-timeout try-patience
      eglot-confirm-server-initiated-edits nil
      make-backup-files nil
      create-lockfiles nil)
(defalias 'y-or-n-p #'always)

(cl-defmethod eglot-handle-notification :before
  (_server (_method (eql window/showMessage)) &key message &allow-other-keys)
  (push message try-told))

(defun try-path (name) (concat try-root name))

(defun try-open (name)
  (set-buffer (find-file-noselect (try-path name)))
  (unless (bound-and-true-p eglot--managed-mode)
    (if (eglot-current-server)
        (eglot--maybe-activate-editing-mode)
      (apply #'eglot--connect (eglot--guess-contact))))
  (current-buffer))

(defun try-text () (buffer-substring-no-properties (point-min) (point-max)))

(defun try-disk (name)
  (with-temp-buffer
    (set-buffer-multibyte nil)
    (insert-file-contents-literally (try-path name))
    (buffer-string)))

(defun try-tree ()
  "Every file of the workspace with its bytes."
  (mapcar (lambda (path) (let ((name (file-relative-name path try-root))) (cons name (try-disk name))))
          (directory-files-recursively try-root "")))

(defun try-texts ()
  "What is in the files, as their buffers have it where they are open."
  (mapcar (lambda (entry)
            (let ((buffer (find-buffer-visiting (try-path (car entry)))))
              (cons (car entry)
                    (if buffer (with-current-buffer buffer (encode-coding-string (try-text) 'utf-8)) (cdr entry)))))
          (try-tree)))

(defun try-changes ()
  "Called before the first change of a changeset, all of which is undone at once later."
  (push (try-texts) try-states))

(defun try-replace (old new text &optional once)
  (let ((first t))
    (replace-regexp-in-string
     (regexp-quote old) (lambda (found) (prog1 (if (and once (not first)) found new) (setq first nil))) text t t)))

(defun try-count (plain text)
  (1- (length (split-string text (regexp-quote plain)))))

(defun try-save-all () (save-some-buffers t))

(defun try-proposed ()
  "The lines of this buffer on which something is proposed."
  (flymake-start)
  (sort (cl-loop for found in (flymake-diagnostics)
                 when (string-match-p "proposed" (flymake-diagnostic-text found))
                 collect (line-number-at-pos (flymake-diagnostic-beg found)))
        #'<))

(defun try-command (name &rest argument)
  (condition-case problem
      (eglot-execute-command (eglot-current-server) (intern name) (vector argument))
    (error (push (error-message-string problem) try-told))))

(defun try-actions () (eglot-code-actions (line-beginning-position) (line-end-position)))

(defun try-choose (start &optional about)
  "Chooses the one action at point whose title starts with START and names ABOUT, as a person does from the menu."
  (let* ((fits (lambda (action)
                 (let ((title (plist-get action :title)))
                   (and (string-prefix-p start title) (string-match-p (regexp-quote (or about "")) title)))))
         (found (try-until (lambda () (cl-remove-if-not fits (try-actions))))))
    (if (/= (length found) 1)
        (try-check (concat "one action is: " start) nil (mapcar (lambda (one) (plist-get one :title)) (try-actions)))
      (let ((title (plist-get (car found) :title))
            (last-nonmenu-event 'none))
        (cl-letf (((symbol-function 'completing-read) (lambda (&rest _) title)))
          (condition-case problem
              (eglot-code-actions (line-beginning-position) (line-end-position) nil t)
            (error (push (error-message-string problem) try-told))))))))

(defun try-was-told (words before)
  "Waits until something with WORDS is said that was not in BEFORE."
  (try-until (lambda ()
               (cl-find-if (lambda (text) (string-match-p (regexp-quote words) text)) (cl-ldiff try-told before)))))

(defun try-go (plain)
  (goto-char (point-min))
  (search-forward plain)
  (goto-char (match-beginning 0)))

(defun try-switch (before after)
  (try-choose (format "tagout: switch mode from %s to %s" before after))
  (try-check (format "the mode is %s" after)
             (try-until (lambda ()
                          (cl-find (format "tagout: switch mode from %s to %s" after before) (try-actions)
                                   :key (lambda (action) (plist-get action :title)) :test #'equal)))))

;; --- the script ----------------------------------------------------------------------------------------------------

(defvar try-original (try-tree))
(defun try-was (name) (decode-coding-string (cdr (assoc name try-original)) 'utf-8))
(defconst try-old ".unwrap_or(0)")
(defconst try-new ".unwrap_or_default()")

(defun try-opens ()
  (try-open "src/rates.rs")
  (try-check "eglot starts the server" (eglot-current-server))
  (try-open "src/label.rs")
  (try-check "one server has both files" (eglot-current-server)))

(defun try-sees-the-proposal ()
  (try-command "tagout.rewrite" :pattern (concat "$A" try-old) :replacement (concat "$A" try-new) :language "rust")
  (try-check "a proposal shows in one file" (try-until (lambda () (= (length (try-proposed)) 1))) try-told)
  (try-open "src/rates.rs")
  (try-check "and in the other" (try-until (lambda () (= (length (try-proposed)) 2))) try-told)
  (try-equal "nothing has changed on disk" (try-tree) try-original))

(defun try-reads-the-diff ()
  (let ((before try-told) told)
    (try-choose "tagout: show the diff of rewrite rust")
    (setq told (try-was-told "open " before))
    (with-temp-buffer
      (insert-file-contents (string-remove-prefix "open " told))
      (try-equal "the diff takes four lines away" (try-count try-old (buffer-string)) 4)
      (try-equal "and puts four in their place" (try-count try-new (buffer-string)) 4))))

(defun try-is-refused-read-only ()
  (let ((before try-told))
    (try-go "get(\"express\")")
    (try-choose "tagout: accept this hunk")
    (try-check "read-only refuses, and says why" (try-was-told "read-only" before) try-told)
    (try-equal "the buffer is as it was" (try-text) (try-was "src/rates.rs"))
    (try-choose "tagout: trust this workspace, as its settings are now")
    (try-switch "read-only" "workspace-write")))

(defun try-decides-hunks ()
  (let ((wanted (try-replace try-old try-new (try-was "src/rates.rs") t)))
    (try-changes)
    (try-go "get(\"express\")")
    (try-choose "tagout: accept this hunk")
    (try-until (lambda () (equal (try-text) wanted)))
    (try-equal "the buffer has the one hunk and nothing else" (try-text) wanted)
    (try-equal "the disk waits for a save" (try-disk "src/rates.rs") (cdr (assoc "src/rates.rs" try-original)))
    (try-check "one hunk is left there" (try-until (lambda () (= (length (try-proposed)) 1))))
    (try-go "get(&named)")
    (try-choose "tagout: reject this hunk")
    (try-check "the other is gone" (try-until (lambda () (null (try-proposed)))))
    (try-equal "rejecting changed nothing" (try-text) wanted)
    (try-save-all)))

(defun try-accepts-the-rest ()
  (try-open "src/label.rs")
  (try-choose "tagout: accept the whole changeset" "$A.unwrap_or")
  (let ((label (try-replace try-old try-new (try-was "src/label.rs")))
        (tracking (try-replace try-old try-new (try-was "src/tracking.rs"))))
    (try-until (lambda () (and (equal (try-text) label)
                               (equal (decode-coding-string (try-disk "src/tracking.rs") 'utf-8) tracking))))
    (try-equal "the open file changed in its buffer, right of the emoji" (try-text) label)
    (try-equal "the closed file changed on disk" (decode-coding-string (try-disk "src/tracking.rs") 'utf-8) tracking)
    (try-save-all)
    (try-equal "saved, the open one did too" (decode-coding-string (try-disk "src/label.rs") 'utf-8) label)))

(defun try-reviews-a-command ()
  (try-open "README.md")
  (let ((before (try-tree)) (told try-told)
        (wanted (try-replace "last year" "this year" (try-was "README.md")))
        (script "sed -i 's/last year/this year/' README.md && printf 'north\\n' > depots.txt"))
    (try-command "tagout.run" :argv (vector "sh" "-c" script))
    (try-until (lambda () (or (try-proposed) (cl-find-if (lambda (text) (string-match-p "sandbox cannot be built" text))
                                                         (cl-ldiff try-told told)))))
    (if (null (try-proposed))
        (princ (format "skipped: what a command writes, in Emacs (this machine has no sandbox: %s)\n" (car try-told)))
      (try-equal "what it wrote is not in the workspace" (try-tree) before)
      (try-changes)
      (try-choose "tagout: accept the whole changeset" "depots")
      (try-until (lambda () (and (equal (try-text) wanted) (file-exists-p (try-path "depots.txt")))))
      (try-equal "accepted, the edit is in the buffer" (try-text) wanted)
      (try-equal "and the new file on disk" (try-disk "depots.txt") "north\n")
      (try-save-all))))

(defun try-approves-a-command ()
  (try-switch "workspace-write" "unrestricted")
  (let ((before try-told) (copy (try-path "../copied.md")))
    (try-command "tagout.run" :argv ["cp" "README.md" "../copied.md"] :place "host")
    (try-check "a command on the host is asked about" (try-was-told "waits for your decision" before))
    (try-check "and has not run" (not (file-exists-p copy)))
    (try-choose "tagout: approve once" "cp README.md")
    (try-check "approved, it runs" (try-until (lambda () (file-exists-p copy))))
    (try-check "its end is told" (try-was-told "exit code 0" before) try-told)))

(defun try-lowers-and-raises-the-mode ()
  (try-switch "unrestricted" "read-only")
  (let ((before try-told) (tree (try-tree)))
    (try-command "tagout.rewrite" :pattern "print($A)" :replacement "log($A)" :language "python")
    (try-was-told "proposed rewrite python" before)
    (try-choose "tagout: accept the whole changeset" "print($A)")
    (try-check "lowered, it refuses again" (try-was-told "read-only" before) try-told)
    (try-equal "and nothing changed" (try-tree) tree))
  (try-switch "read-only" "workspace-write")
  (try-choose "tagout: reject the whole changeset" "print($A)"))

(defun try-undoes-everything ()
  (dolist (before try-states)
    (try-choose "tagout: undo the last applied changeset")
    (try-until (lambda () (equal (try-texts) before)))
    (try-check "undone, it is as it was before" (equal (try-texts) before)
               (list :other (mapcar #'car (cl-set-exclusive-or (try-texts) before :test #'equal)) :told try-told)))
  (try-save-all)
  (try-equal "all undone and saved, every file is what it was" (try-tree) try-original))

(defun try-log ()
  (with-temp-buffer
    (let ((default-directory try-root))
      (call-process try-server nil '(t nil) nil "log" "--json" "--count" "10000"))
    (goto-char (point-min))
    (json-parse-buffer :object-type 'plist :array-type 'list)))

(defun try-the-log-tells-all ()
  (let* ((log (try-log))
         (of (lambda (kind) (cl-remove-if-not (lambda (one) (plist-get (plist-get one :action) kind)) log)))
         (phase (lambda (name entries) (cl-remove-if-not (lambda (one) (equal (plist-get one :phase) name)) entries)))
         (host (cl-remove-if-not (lambda (one) (equal (plist-get (plist-get (plist-get one :action) :Run) :place) "Host"))
                                 (funcall of :Run))))
    (try-equal "the log has the modes in their order"
               (mapcar (lambda (one) (plist-get (plist-get (plist-get one :action) :SetMode) :to))
                       (funcall phase "Ended" (funcall of :SetMode)))
               '("workspace-write" "unrestricted" "read-only" "workspace-write"))
    (try-check "and both refusals"
               (>= (cl-count "Deny" (funcall of :Apply) :test #'equal
                             :key (lambda (one) (plist-get (plist-get one :verdict) :decision)))
                   2))
    (try-equal "and the question with its answer"
               (mapcar (lambda (one) (plist-get one :outcome)) (funcall phase "Judged" host))
               '("waits for the user" "approved by the user"))
    (try-check "and no edit that failed"
               (cl-notany (lambda (one) (string-prefix-p "failed" (plist-get one :outcome))) log) log)))

(princ (format "emacs %s\n" emacs-version))
(dolist (part '(try-opens try-sees-the-proposal try-reads-the-diff try-is-refused-read-only try-decides-hunks
                try-accepts-the-rest try-reviews-a-command try-approves-a-command try-lowers-and-raises-the-mode
                try-undoes-everything try-the-log-tells-all))
  (princ (format "-- %s\n" (replace-regexp-in-string "-" " " (string-remove-prefix "try-" (symbol-name part)))))
  (condition-case problem
      (funcall part)
    (error (try-check "it runs to its end" nil (list problem (seq-take try-told 3))))))
(let ((process (jsonrpc--process (eglot-current-server))))
  ;; It waits for the answer to its request, and then does not wait for the process.
  (eglot-shutdown (eglot-current-server) nil try-patience)
  (try-check "the server is shut down" (try-until (lambda () (not (process-live-p process))))))
(princ (format "%d passed, %d failed\n" try-passed try-failed))
(kill-emacs (if (= try-failed 0) 0 1))
;;; emacs.el ends here
