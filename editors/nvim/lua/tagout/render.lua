--- The review as lines: values in, values out. Each line knows what it belongs to, so that a key can act on it.
local M = {}

local CONTEXT, MOST_LINES = 2, 200
local WAITING = { pending = true, stale = true, ['in-flight'] = true }
local NOTES = {
  stale = 'its lines are others by now: it can only be rejected',
  ['in-flight'] = 'is being made',
}

---@class tagout.Line
---@field text string
---@field group string? highlight of the whole line
---@field client integer?
---@field changeset string?
---@field file table? as the overview has it
---@field hunk table? as the overview has it
---@field at integer? line of the file, from 1

local function clean(text) return (text:gsub('\r$', ''):gsub('%c', function(sign) return sign == '\t' and '\t' or '·' end)) end

local function waiting(file)
  return vim.tbl_filter(function(hunk) return WAITING[hunk.state] ~= nil end, file.hunks)
end

--- The lines that each hunk puts in place, or nil where the proposed text does not fit what was told of the hunks, as one
--- of the two is older.
---@param file table
---@param before string[]
---@param after string[]
---@return table<integer, string[]>?
function M.added(file, before, after)
  local function by(included)
    local found, shift = {}, 0
    for _, hunk in ipairs(waiting(file)) do
      if included[hunk.state] and hunk.range and hunk.added and hunk.removed then
        local start = hunk.range.start.line + shift
        found[hunk.hunk] = vim.list_slice(after, start + 1, start + hunk.added)
        shift = shift + hunk.added - hunk.removed
      end
    end
    return #after == #before + shift and found or nil
  end
  return by({ pending = true }) or by({ pending = true, ['in-flight'] = true })
end

local function cut(lines, prefix, group, into)
  for index, line in ipairs(lines) do
    if index > MOST_LINES then
      table.insert(into, { text = ('  … %d more lines'):format(#lines - MOST_LINES), group = 'TagoutNote' })
      return
    end
    table.insert(into, { text = prefix .. clean(line), group = group })
  end
end

--- One hunk with some lines around it.
local function hunk_lines(hunk, before, added)
  local lines, start = {}, hunk.range and hunk.range.start.line
  local head = ('@@ %s, -%d +%d'):format(start and 'line ' .. start + 1 or 'gone', hunk.removed or 0, hunk.added or 0)
  local note = NOTES[hunk.state]
  table.insert(lines, { text = note and ('%s: %s'):format(head, note) or head, group = note and 'TagoutNote' or 'TagoutHunk' })
  if not start then return lines end
  local removed = hunk.removed or 0
  cut(vim.list_slice(before, math.max(1, start - CONTEXT + 1), start), ' ', nil, lines)
  if hunk.state ~= 'stale' then
    cut(vim.list_slice(before, start + 1, start + removed), '-', 'TagoutRemoved', lines)
    cut(added or { hunk.title .. (hunk.added and hunk.added > 1 and ' …' or '') }, '+', 'TagoutAdded', lines)
  end
  cut(vim.list_slice(before, start + removed + 1, start + removed + CONTEXT), ' ', nil, lines)
  return lines
end

--- A file that comes or goes as a whole, or is no text.
local function whole_lines(file, texts)
  local lines = {}
  if file.kind == 'edit' and texts.after and vim.deep_equal(texts.before, texts.after) then
    table.insert(lines, { text = '  the whole file: its text stays as it is', group = 'TagoutNote' })
  elseif file.kind == 'delete' then
    cut(texts.before, '-', 'TagoutRemoved', lines)
  elseif texts.problem then
    table.insert(lines, { text = '  ' .. clean(texts.problem), group = 'TagoutNote' })
  else
    cut(texts.after or {}, '+', 'TagoutAdded', lines)
  end
  return lines
end

local function file_lines(file, texts, is_open)
  local about = { file.kind ~= 'edit' and file.kind or nil }
  table.insert(about, file.pending == 1 and '1 hunk' or file.pending .. ' hunks')
  if file.stale > 0 then table.insert(about, file.stale .. ' stale') end
  local sign = is_open and '▾' or '▸'
  local lines = { { text = ('%s %s (%s)'):format(sign, clean(file.path), table.concat(about, ', ')), group = 'TagoutFile' } }
  if file.runsLater then
    table.insert(lines, { text = '  runs later: ' .. clean(file.runsLater), group = 'TagoutNote' })
  end
  if not is_open then return lines end
  if not texts then
    table.insert(lines, { text = '  …', group = 'TagoutHunk' })
    return lines
  end
  local added = texts.after and M.added(file, texts.before, texts.after) or {}
  for _, hunk in ipairs(waiting(file)) do
    local whole = hunk.added == nil and hunk.state == 'pending'
    local inner = whole and whole_lines(file, texts) or hunk_lines(hunk, texts.before, added[hunk.hunk])
    for _, line in ipairs(inner) do
      line.hunk, line.at = hunk, hunk.range and hunk.range.start.line + 1
      table.insert(lines, line)
    end
  end
  return lines
end

local function head_of(change)
  local parts = { clean(change.title), change.pending == 1 and '1 hunk' or change.pending .. ' hunks' }
  if change.stale > 0 then table.insert(parts, change.stale .. ' stale') end
  if change.checks then table.insert(parts, clean(change.checks)) end
  return { text = table.concat(parts, ' · '), group = 'TagoutChangeset' }
end

--- The whole review.
---@param clients table[] `{ client, overview }` for each server
---@param texts fun(client: vim.lsp.Client, file: table): table? before and after, or nil while they are not there yet
---@param is_open fun(change: table, file: table): boolean
---@param only string? the one changeset to show
---@return tagout.Line[]
function M.lines(clients, texts, is_open, only)
  local lines = {}
  for _, one in ipairs(clients) do
    for _, change in ipairs(one.overview.changes or {}) do
      if (not only or only == change.changeset) and change.pending + change.stale > 0 then
        local inner = { head_of(change) }
        for _, file in ipairs(change.files) do
          if #waiting(file) > 0 then
            local open = is_open(change, file)
            local found = file_lines(file, open and texts(one.client, file) or nil, open)
            for _, line in ipairs(found) do
              line.file = file
              table.insert(inner, line)
            end
          end
        end
        for _, line in ipairs(inner) do
          line.client, line.changeset = one.client.id, change.changeset
          table.insert(lines, line)
        end
      end
    end
  end
  if #lines == 0 then table.insert(lines, { text = 'nothing waits for a review', group = 'TagoutHunk' }) end
  return lines
end

return M
