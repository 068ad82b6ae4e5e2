--- What other configuration may call; everything else is `:Tagout`. See |tagout-functions|.
local M = {}

--- What the statusline says of the window's buffer: mode, what waits, what runs. Empty where tagout is not. Cheap: it is
--- put together when something changes.
---@return string
function M.statusline()
  local overview = package.loaded['tagout.overview']
  if not overview then return '' end
  local window = tonumber(vim.g.statusline_winid)
  local known = window and vim.api.nvim_win_is_valid(window)
  return overview.line(known and vim.api.nvim_win_get_buf(window) or vim.api.nvim_get_current_buf())
end

--- The same as a table, for a statusline of one's own: nil where tagout is not.
---@param buffer integer?
---@return table?
function M.status(buffer)
  local overviews = require('tagout.overview')
  local client, overview, workspace = overviews.of(buffer)
  if not client then return nil end
  local job = (overview.jobs or {})[1]
  return {
    folder = workspace and workspace.folder,
    mode = workspace and workspace.mode,
    trust = workspace and workspace.trust,
    index = workspace and workspace.index.state,
    pending = overviews.sum(overview.changes, 'pending'),
    stale = overviews.sum(overview.changes, 'stale'),
    questions = #(overview.questions or {}),
    job = job and job.title,
  }
end

--- Everything that the server told last, in the form that docs/protocol.md has; nil where tagout is not.
---@param buffer integer?
---@return table?
function M.overview(buffer)
  local client, overview = require('tagout.overview').of(buffer)
  return client and vim.deepcopy(overview)
end

--- Opens the review of all that is proposed; of one changeset when it is named.
---@param changeset string?
function M.review(changeset) require('tagout.review').open(changeset) end

--- Runs a command of the server with one object as argument; `done(failure, answer)` is called with what it says.
---@param command string as in "tagout.undo"
---@param argument table?
---@param done fun(failure: table?, answer: any)?
function M.execute(command, argument, done) require('tagout.client').execute(command, argument, done) end

--- Ends the servers and starts them again.
function M.restart() require('tagout.server').restart() end

return M
