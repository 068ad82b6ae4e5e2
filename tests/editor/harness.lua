-- What the scripts for the plugin share: counting, waiting, files, and what Neovim said. The plugin is loaded as it is
-- for a user, from `editors/nvim`; its commands are typed, and what is checked is what stands in buffers and files.
local M = { messages = {} }

-- What makes a folder one that the plugin starts a server for.
vim.system({ 'git', 'init', '--quiet', M.workspace }):wait()

local PATIENCE = tonumber(os.getenv('PATIENCE') or 60000) -- milliseconds: a bound on a hang, nothing is timed
local passed, failed = 0, 0

M.here = vim.fs.dirname(vim.fs.normalize(debug.getinfo(1, 'S').source:sub(2)))
M.repository = vim.uv.fs_realpath(M.here .. '/../..')
M.plugin = M.repository .. '/editors/nvim'
M.server = assert(os.getenv('TAGOUT'))
M.workspace = vim.uv.fs_realpath(assert(os.getenv('WORKSPACE')))

function M.say(...)
  io.stdout:write(string.format(...), '\n')
  io.stdout:flush()
end

function M.check(name, ok, detail)
  if ok then
    passed = passed + 1
    M.say('ok    %s', name)
  else
    failed = failed + 1
    M.say('FAIL  %s%s', name, detail and ('\n      ' .. vim.inspect(detail):gsub('\n', '\n      ')) or '')
  end
  return ok
end

function M.equal(name, got, wanted)
  return M.check(name, vim.deep_equal(got, wanted), { got = got, wanted = wanted })
end

function M.eventually(condition, patience) return (vim.wait(patience or PATIENCE, condition, 20)) end

--- Long enough for what must not come; the checks after it are what counts.
function M.settle() vim.wait(800, function() return false end) end

function M.finish()
  M.say('%d passed, %d failed', passed, failed)
  os.exit(failed == 0 and 0 or 1)
end

--- Runs each step to its end, whatever comes of it.
function M.run(steps)
  for _, step in ipairs(steps) do
    M.say('-- %s', step[1])
    local ok, problem = xpcall(step[2], debug.traceback)
    if not ok then M.check(step[1] .. ' runs to its end', false, problem) end
  end
end

function M.read(path)
  local file = io.open(path, 'rb')
  if not file then return nil end
  local text = file:read('*a')
  file:close()
  return text
end

function M.write(path, text)
  local file = assert(io.open(path, 'wb'))
  file:write(text)
  file:close()
end

function M.text_of(path)
  local buffer = vim.fn.bufnr('^' .. path .. '$')
  return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), '\n') .. '\n'
end

function M.count(text, plain)
  local _, number = text:gsub(vim.pesc(plain), '')
  return number
end

--- Whether Neovim was told something with `plain` in it, after the first `since` messages.
function M.was_told(plain, since)
  return vim.iter(vim.list_slice(M.messages, (since or 0) + 1)):any(function(text) return text:find(plain, 1, true) ~= nil end)
end

--- How many messages there are with `plain` in them.
function M.times_told(plain)
  return #vim.tbl_filter(function(text) return text:find(plain, 1, true) ~= nil end, M.messages)
end

vim.notify = function(text) table.insert(M.messages, tostring(text)) end

--- What is chosen next: texts that an item has to contain, one for each choice that is asked for.
M.choices, M.asked = {}, {}
vim.ui.select = function(items, options, chosen)
  local show = options.format_item or tostring
  local titles = vim.tbl_map(show, items)
  table.insert(M.asked, { prompt = options.prompt, titles = titles })
  local wanted = table.remove(M.choices, 1)
  for index, title in ipairs(titles) do
    if wanted and title:find(wanted, 1, true) then return chosen(items[index], index) end
  end
  chosen(nil)
end

-- The dialog of Neovim answers to the same choices.
vim.fn.confirm = function(text, buttons, default)
  local titles = vim.split(buttons:gsub('&', ''), '\n')
  table.insert(M.asked, { prompt = text, titles = titles, default = default })
  local wanted = table.remove(M.choices, 1)
  for index, title in ipairs(titles) do
    if wanted and title:find(wanted, 1, true) then return index end
  end
  return 0
end

vim.opt.swapfile = false
vim.opt.hidden = true

--- Loads the plugin as Neovim does at its start.
function M.load(settings)
  vim.opt.runtimepath:prepend(M.plugin)
  vim.g.tagout = vim.tbl_extend('keep', settings or {}, { command = M.server })
  vim.cmd.source(M.plugin .. '/plugin/tagout.lua')
  vim.cmd('filetype on')
end

function M.open(path)
  vim.cmd.edit(vim.fn.fnameescape(path))
  return vim.api.nvim_get_current_buf()
end

--- Puts the cursor on the first line with `plain` in the current buffer.
function M.go_to(plain)
  for number, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    local column = line:find(plain, 1, true)
    if column then return vim.api.nvim_win_set_cursor(0, { number, column - 1 }) end
  end
  error('no line with ' .. plain)
end

function M.status() return require('tagout').status() or {} end

--- Waits until the server told how things stand.
function M.attached()
  return M.eventually(function() return M.status().mode ~= nil end)
end

--- The lines of Neovim's log of language servers that are errors.
function M.log_errors()
  local found = {}
  for line in vim.gsplit(M.read(vim.lsp.log.get_filename()) or '', '\n') do
    if line:find('^%[ERROR%]') then table.insert(found, line) end
  end
  return found
end

--- A program that is what `text` says, executable unless it is said otherwise.
function M.script(name, text, mode)
  local path = vim.fs.dirname(M.workspace) .. '/' .. name
  M.write(path, text)
  assert(vim.uv.fs_chmod(path, mode or tonumber('755', 8)))
  return path
end

return M
