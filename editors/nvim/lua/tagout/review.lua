--- The review in a floating window: every hunk that waits, with a key for each decision. It follows what happens.
local content = require('tagout.content')
local overviews = require('tagout.overview')
local render = require('tagout.render')

local M = {}

local OPEN_FILES = 20 -- of a changeset with more than these, files are shown closed

---@class tagout.Review
---@field window integer
---@field buffer integer
---@field only string?
---@field lines tagout.Line[]
---@field texts table<string, table>
---@field folded table<string, boolean>
---@field placed boolean? whether the cursor has been at a hunk
local open

local namespace = vim.api.nvim_create_namespace('tagout.review')

local HELP = {
  'a / r     accept or reject the hunk, file or changeset under the cursor',
  'A / R     accept or reject the whole file',
  'ga / gr   accept or reject the whole changeset',
  ']c / [c   the next and the previous hunk (also <Tab> and <S-Tab>)',
  '<CR>      open the file at the hunk',
  'd         both sides of the file beside each other, in a tab',
  'c         run the checks over the changeset',
  'za        open or close the file',
  'q         close this (also <Esc>)',
}

local function highlights()
  local links = {
    TagoutChangeset = 'Title',
    TagoutFile = 'Directory',
    TagoutHunk = 'Comment',
    TagoutNote = 'WarningMsg',
    TagoutAdded = 'DiffAdd',
    TagoutRemoved = 'DiffDelete',
  }
  for name, link in pairs(links) do
    vim.api.nvim_set_hl(0, name, { link = link, default = true })
  end
end

local function key_of(changeset, file) return changeset .. '/' .. file.file end

local function is_open(change, file)
  local folded = open.folded[key_of(change.changeset, file)]
  if folded ~= nil then return not folded end
  return #change.files <= OPEN_FILES
end

local draw

--- The two sides of a file; asked for when something about its hunks changed, or when another server is there, as one
--- that has ended answers no more.
local function texts_of(client, file)
  local stand = vim.json.encode({ client.id, file.right, file.hunks })
  local cached = open.texts[file.right]
  local before = vim.startswith(file.left, 'file:') and content.of_file(file.left) or {}
  if cached and cached.stand == stand then
    return cached.ready and { before = before, after = cached.after, problem = cached.problem } or cached.last
  end
  local fresh = { stand = stand, last = cached and cached.ready and { before = before, after = cached.after } or nil }
  open.texts[file.right] = fresh
  content.fetch(client, file.right, function(after, problem)
    fresh.ready, fresh.after, fresh.problem = true, after, problem
    if open then draw() end
  end)
  return fresh.last
end

local function current() return open.lines[vim.api.nvim_win_get_cursor(open.window)[1]] or {} end

--- Line numbers at which hunks start.
local function starts()
  local found, last = {}, nil
  for number, line in ipairs(open.lines) do
    if line.hunk and line.hunk ~= last then table.insert(found, number) end
    last = line.hunk
  end
  return found
end

--- Where the cursor goes after a change: to what it was on, else to the hunk that took its place.
local function place_again(before, ordinal)
  for number, line in ipairs(open.lines) do
    local same = line.changeset == before.changeset
      and vim.tbl_get(line, 'file', 'file') == vim.tbl_get(before, 'file', 'file')
      and vim.tbl_get(line, 'hunk', 'hunk') == vim.tbl_get(before, 'hunk', 'hunk')
    if same then return number end
  end
  local all = starts()
  return all[math.min(ordinal, #all)] or 1
end

local function ordinal_of(number)
  local count = 0
  for _, start in ipairs(starts()) do
    if start <= number then count = count + 1 end
  end
  return math.max(count, 1)
end

function draw()
  if not (open and vim.api.nvim_buf_is_valid(open.buffer) and vim.api.nvim_win_is_valid(open.window)) then return end
  local cursor = vim.api.nvim_win_get_cursor(open.window)
  local before, ordinal = open.lines[cursor[1]], ordinal_of(cursor[1])
  open.lines = render.lines(overviews.all(), texts_of, is_open, open.only)
  vim.bo[open.buffer].modifiable = true
  vim.api.nvim_buf_set_lines(open.buffer, 0, -1, false, vim.tbl_map(function(line) return line.text end, open.lines))
  vim.bo[open.buffer].modifiable = false
  vim.api.nvim_buf_clear_namespace(open.buffer, namespace, 0, -1)
  for number, line in ipairs(open.lines) do
    if line.group then
      vim.api.nvim_buf_set_extmark(open.buffer, namespace, number - 1, 0, { line_hl_group = line.group })
    end
  end
  local stays = before and before.changeset and open.lines[cursor[1]]
  local same = stays and stays.hunk and before.hunk and stays.changeset == before.changeset
    and stays.file.file == before.file.file and stays.hunk.hunk == before.hunk.hunk
  if not same then
    -- Texts come after the window: until the first of them is there, there is no hunk to go to.
    local target = open.placed and before and place_again(before, ordinal) or starts()[1]
    open.placed = open.placed or target ~= nil
    vim.api.nvim_win_set_cursor(open.window, { target or 1, 0 })
  end
end

local function move(step)
  local now, target = vim.api.nvim_win_get_cursor(open.window)[1], nil
  for _, start in ipairs(starts()) do
    if step > 0 and start > now then
      target = start
      break
    elseif step < 0 and start < now then
      target = start
    end
  end
  if target then vim.api.nvim_win_set_cursor(open.window, { target, 0 }) end
end

--- Sends `command` for the hunk, the file or the whole changeset of the current line.
local function decide(command, what)
  local line = current()
  if not line.client then return end
  local client = vim.lsp.get_client_by_id(line.client)
  if not client then return vim.notify('tagout: the server has ended: use :Tagout restart', vim.log.levels.WARN) end
  local argument = { changeset = line.changeset }
  if what ~= 'changeset' and line.file then argument.file = line.file.file end
  if what == 'hunk' and line.hunk then argument.hunk = line.hunk.hunk end
  require('tagout.client').send(client, command, argument)
end

function M.close()
  if open and vim.api.nvim_win_is_valid(open.window) then vim.api.nvim_win_close(open.window, true) end
  open = nil
end

local function go_to_file()
  local line = current()
  if not line.file or line.file.kind == 'create' then return end
  local path, at = vim.uri_to_fname(line.file.uri), line.at
  M.close()
  vim.cmd.edit(vim.fn.fnameescape(path))
  if at then vim.api.nvim_win_set_cursor(0, { math.min(at, vim.api.nvim_buf_line_count(0)), 0 }) end
end

local function fold()
  local line = current()
  if not line.file then return end
  local key = key_of(line.changeset, line.file)
  local shown = vim.iter(open.lines):any(function(other) return other.file == line.file and other.hunk ~= nil end)
  open.folded[key] = shown
  draw()
end

local function compare()
  local line = current()
  if not line.file then return end
  M.close()
  content.compare(line.file)
end

local function keys(buffer)
  local function on(key, run, what) vim.keymap.set('n', key, run, { buffer = buffer, nowait = true, desc = what }) end
  on('a', function() decide('tagout.accept', 'hunk') end, 'accept what is under the cursor')
  on('r', function() decide('tagout.reject', 'hunk') end, 'reject what is under the cursor')
  on('A', function() decide('tagout.accept', 'file') end, 'accept the file')
  on('R', function() decide('tagout.reject', 'file') end, 'reject the file')
  on('ga', function() decide('tagout.accept', 'changeset') end, 'accept the changeset')
  on('gr', function() decide('tagout.reject', 'changeset') end, 'reject the changeset')
  on('c', function() decide('tagout.check', 'changeset') end, 'run the checks over the changeset')
  for _, key in ipairs({ ']c', '<Tab>' }) do
    on(key, function() move(1) end, 'the next hunk')
  end
  for _, key in ipairs({ '[c', '<S-Tab>' }) do
    on(key, function() move(-1) end, 'the previous hunk')
  end
  on('<CR>', go_to_file, 'open the file')
  on('d', compare, 'both sides beside each other')
  on('za', fold, 'open or close the file')
  on('q', M.close, 'close')
  on('<Esc>', M.close, 'close')
  on('g?', function() vim.api.nvim_echo({ { table.concat(HELP, '\n') } }, false, {}) end, 'what the keys do')
end

local function layout()
  local width = math.max(20, math.floor(vim.o.columns * 0.9))
  local height = math.max(5, math.floor((vim.o.lines - 2) * 0.8))
  return {
    relative = 'editor',
    width = width,
    height = height,
    row = math.floor((vim.o.lines - height) / 2) - 1,
    col = math.floor((vim.o.columns - width) / 2),
  }
end

local function follow(buffer)
  -- One for each buffer: that of the window before goes after the next one has come.
  local group = vim.api.nvim_create_augroup('tagout.review.' .. buffer, {})
  vim.api.nvim_create_autocmd('User', {
    group = group,
    pattern = 'TagoutChanged',
    callback = function()
      -- A server that is just starting again has told nothing yet; what was shown stays until it does.
      local is_told = vim.iter(overviews.all()):any(function(one) return one.overview.changes ~= nil end)
      if is_told then draw() end
    end,
  })
  vim.api.nvim_create_autocmd('VimResized', {
    group = group,
    callback = function()
      if open and vim.api.nvim_win_is_valid(open.window) then vim.api.nvim_win_set_config(open.window, layout()) end
    end,
  })
  vim.api.nvim_create_autocmd('BufWipeout', {
    group = group,
    buffer = buffer,
    callback = function()
      if open and open.buffer == buffer then open = nil end
      vim.schedule(function() pcall(vim.api.nvim_del_augroup_by_id, group) end)
    end,
  })
end

--- Opens the review, of one changeset or of all; the one that is open comes to the front.
---@param only string?
function M.open(only)
  -- Without a server that tells what waits, what is said is why.
  local is_told = vim.iter(overviews.all()):any(function(one) return overviews.is_told(one.client) end)
  if not is_told and not require('tagout.client').told() then return end
  M.close()
  highlights()
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.bo[buffer].bufhidden, vim.bo[buffer].filetype = 'wipe', 'tagout'
  local place = vim.tbl_extend('error', layout(), {
    style = 'minimal',
    border = vim.o.winborder ~= '' and vim.o.winborder or 'rounded',
    title = ' tagout: review ',
    footer = ' a accept · r reject · ]c next · <CR> open · g? help · q close ',
  })
  local window = vim.api.nvim_open_win(buffer, true, place)
  vim.wo[window].cursorline, vim.wo[window].wrap = true, false
  open = { window = window, buffer = buffer, only = only, lines = {}, texts = {}, folded = {} }
  keys(buffer)
  follow(buffer)
  draw()
end

return M
